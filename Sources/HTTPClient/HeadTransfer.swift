import CCurl
import EventLoop

/// One HEAD after another on one handle of libcurl. For the loop's thread only.
@safe final class HeadTransfer: @unchecked Sendable {
    let easy: EasyHandle
    private var promise: Promise<Result<HTTPHead, HTTPError>>?
    private var addresses: PinnedAddresses?
    private let headers = HeaderSink()

    init(_ trust: ServerTrust) {
        easy = EasyHandle(trust)
        easy.set(CURLOPT_NOBODY, 1)
        // One call on one connection: with HTTP/2 one broken connection would take many calls with it.
        easy.set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        // libcurl keeps what it has read of a file of authorities, but not of a directory.
        unsafe novatune_curl_set_pointer(easy.pointer, CURLOPT_CAPATH, nil)
        easy.receiveHeaders(into: headers)
    }

    /// Makes it ready to be added to a multi handle.
    /// - Parameter offset: of the path in `url`, in bytes.
    func prepare(
        _ url: String, targetAt offset: Int, _ addresses: PinnedAddresses?, timeout: Duration
    ) -> Promise<Result<HTTPHead, HTTPError>> {
        easy.set(url, targetAt: offset)
        easy.setTimeout(timeout)
        if let addresses { addresses.pin(easy) } else { easy.unpin() }
        self.addresses = addresses
        headers.begin()
        let promise = Promise<Result<HTTPHead, HTTPError>>()
        self.promise = promise
        return promise
    }

    func finish(_ result: CURLcode) {
        promise?.keep(outcome(result))
        promise = nil
    }

    private func outcome(_ result: CURLcode) -> Result<HTTPHead, HTTPError> {
        if result == CURLE_OK { return headers.failure.map { .failure($0) } ?? .success(HTTPHead(status: easy.status)) }
        return .failure(headers.isOverfull ? .tooLarge : HTTPError(result))
    }
}
