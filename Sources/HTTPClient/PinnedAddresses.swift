import CCurl

/// Addresses that libcurl uses for a host instead of resolving it (CURLOPT_RESOLVE). Keep it until the transfer is
/// over.
@safe final class PinnedAddresses {
    let addresses: [String]
    private let list: UnsafeMutablePointer<curl_slist>?

    init(_ origin: HTTPOrigin, _ addresses: [String]) {
        self.addresses = addresses
        unsafe list = curl_slist_append(nil, "\(origin.host):\(origin.port):\(addresses.joined(separator: ","))")
    }

    deinit { unsafe curl_slist_free_all(list) }

    func pin(_ easy: EasyHandle) {
        unsafe _ = novatune_curl_set_pointer(easy.pointer, CURLOPT_RESOLVE, list)
    }
}

extension EasyHandle {
    func unpin() {
        unsafe _ = novatune_curl_set_pointer(pointer, CURLOPT_RESOLVE, nil)
    }
}
