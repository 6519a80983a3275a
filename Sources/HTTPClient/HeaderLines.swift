import CCurl

/// Header lines of a request, as libcurl takes them (CURLOPT_HTTPHEADER). Keep it until the transfer is over.
@safe final class HeaderLines {
    private let list: UnsafeMutablePointer<curl_slist>?

    /// - Parameter lines: `name: value`; `name:` leaves a header out that libcurl would send.
    init(_ lines: [String]) {
        var list: UnsafeMutablePointer<curl_slist>?
        for line in lines { unsafe list = unsafe curl_slist_append(list, line) }
        unsafe self.list = unsafe list
    }

    convenience init(_ headers: [(name: String, value: String)], further lines: [String] = []) {
        self.init(lines + headers.map { "\($0.name): \($0.value)" })
    }

    deinit { unsafe curl_slist_free_all(list) }

    func use(on easy: EasyHandle) {
        unsafe _ = novatune_curl_set_pointer(easy.pointer, CURLOPT_HTTPHEADER, list)
    }
}
