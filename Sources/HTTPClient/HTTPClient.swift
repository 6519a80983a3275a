import CCurl

/// A blocking HTTP client for the service's own calls, on libcurl. One handle, which keeps its connections: not
/// thread-safe. Redirects are not followed; no proxy is used; certificates are verified.
@safe public final class HTTPClient {
    private let handle: EasyHandle
    private var pinned: PinnedAddresses?

    /// - Parameters:
    ///   - files: certificates other than the machine's own.
    ///   - isServerVerified: false where the answer is neither secret nor trusted, such as this machine's metrics under
    ///     another host name.
    public init(_ files: TLSFiles = TLSFiles(), isServerVerified: Bool = true) {
        handle = EasyHandle(ServerTrust(files: files, isServerVerified: isServerVerified))
    }

    /// Connects to these addresses for the host of this URL, whatever its name resolves to: a certificate is verified
    /// for the name.
    public func pin(_ url: String, to addresses: [String]) {
        pinned = HTTPOrigin(url).map { PinnedAddresses($0, addresses) }
    }

    /// The status code of a HEAD (RFC 9110 §9.3.2).
    /// - Parameters:
    ///   - url: `http` or `https`. Presigned, so no error contains it.
    ///   - timeout: for everything from resolving the name to the last byte of the headers.
    public func head(_ url: String, timeout: Duration) throws(HTTPError) -> Int {
        prepare(timeout)
        handle.set(CURLOPT_NOBODY, 1)
        let headers = HeaderSink()
        handle.receiveHeaders(into: headers)
        // The handle outlives this call and must not keep its pointers.
        defer { handle.reset() }
        let status: Int
        do throws(HTTPError) {
            status = try perform(url)
        } catch {
            throw headers.isOverfull ? .tooLarge : error
        }
        if let failure = headers.failure { throw failure }
        return status
    }

    /// The answer to a GET (RFC 9110 §9.3.1).
    /// - Parameters:
    ///   - url: `http` or `https`; no error contains it.
    ///   - headers: names and values without line breaks.
    ///   - timeout: for everything from resolving the name to the last byte of the answer.
    ///   - responseLimit: in bytes; a longer answer is an error with the code `too_large`.
    ///   - names: header fields of the answer that the caller reads.
    ///   - lists: those that may have several lines, which are combined (RFC 9110 §5.3).
    public func get(
        _ url: String, headers: [(name: String, value: String)] = [], timeout: Duration, responseLimit: Int,
        reading names: [String] = [], lists: [String] = []
    ) throws(HTTPError) -> HTTPResponse {
        prepare(timeout)
        let lines = HeaderLines(headers)
        defer { withExtendedLifetime(lines) {} }
        lines.use(on: handle)
        return try receive(url, limit: responseLimit, reading: names, lists)
    }

    /// The answer to a PUT without a body (RFC 9110 §9.3.4).
    /// - Parameters: as of `get`.
    public func put(
        _ url: String, headers: [(name: String, value: String)], timeout: Duration, responseLimit: Int
    ) throws(HTTPError) -> HTTPResponse {
        prepare(timeout)
        let lines = HeaderLines(headers, further: ["Content-Length: 0"])
        defer { withExtendedLifetime(lines) {} }
        handle.set(CURLOPT_CUSTOMREQUEST, "PUT")
        lines.use(on: handle)
        return try receive(url, limit: responseLimit)
    }

    /// The answer to a POST (RFC 9110 §9.3.3).
    /// - Parameters: as of `send`.
    public func post(
        _ url: String, headers: [(name: String, value: String)], body: [UInt8], timeout: Duration, responseLimit: Int
    ) throws(HTTPError) -> HTTPResponse {
        try send("POST", url, headers: headers, body: body, timeout: timeout, responseLimit: responseLimit)
    }

    /// The answer to a request with a body (RFC 9110 §9.3).
    /// - Parameters:
    ///   - method: POST, PUT or DELETE.
    ///   - url: `http` or `https`; no error contains it.
    ///   - headers: names and values without line breaks.
    ///   - body: may be empty.
    ///   - timeout: for everything from resolving the name to the last byte of the answer.
    ///   - responseLimit: in bytes; a longer answer is an error with the code `too_large`.
    ///   - names: header fields of the answer that the caller reads.
    public func send(
        _ method: String, _ url: String, headers: [(name: String, value: String)], body: [UInt8], timeout: Duration,
        responseLimit: Int, reading names: [String] = []
    ) throws(HTTPError) -> HTTPResponse {
        prepare(timeout)
        // No "Expect: 100-continue": it only costs a wait.
        let lines = HeaderLines(headers, further: ["Expect:"])
        defer { withExtendedLifetime(lines) {} }
        handle.set(CURLOPT_POST, 1)
        handle.set(CURLOPT_CUSTOMREQUEST, method)
        handle.set(CURLOPT_POSTFIELDSIZE, body.count)
        lines.use(on: handle)
        return try unsafe body.withUnsafeBufferPointer { (body) throws(HTTPError) -> HTTPResponse in
            // Without data libcurl would read standard input.
            if body.isEmpty { handle.set(CURLOPT_COPYPOSTFIELDS, "") }
            if !body.isEmpty {
                unsafe novatune_curl_set_pointer(handle.pointer, CURLOPT_POSTFIELDS, body.baseAddress)
            }
            return try receive(url, limit: responseLimit, reading: names)
        }
    }

    private func receive(
        _ url: String, limit: Int, reading names: [String] = [], _ lists: [String] = []
    ) throws(HTTPError) -> HTTPResponse {
        let sink = ResponseSink(limit: limit)
        unsafe novatune_curl_set_pointer(handle.pointer, CURLOPT_WRITEDATA, Unmanaged.passUnretained(sink).toOpaque())
        unsafe novatune_curl_set_write(handle.pointer, CURLOPT_WRITEFUNCTION) { bytes, size, count, sink in
            guard let bytes = unsafe bytes, let sink = unsafe sink else { return 0 }
            let received = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
            // Any return value but the count ends the transfer.
            return unsafe Unmanaged<ResponseSink>.fromOpaque(sink).takeUnretainedValue().take(received)
                ? size * count : 0
        }
        let status: Int
        do throws(HTTPError) {
            status = try perform(url)
        } catch {
            throw sink.isOverfull ? .tooLarge : error
        }
        var retryAfter: curl_off_t = 0
        unsafe novatune_curl_get_offset(handle.pointer, CURLINFO_RETRY_AFTER, &retryAfter)
        var headers = names.reduce(into: [String: String]()) { $0[$1] = handle.header($1) }
        for name in lists { headers[name] = handle.list(name) }
        // The handle outlives this call and must not keep its pointers.
        handle.reset()
        return HTTPResponse(
            status: status, retryAfterSeconds: retryAfter > 0 ? Int(retryAfter) : nil, headers: headers, body: sink.body
        )
    }

    private func prepare(_ timeout: Duration) {
        handle.reset()
        handle.setTimeout(timeout)
        pinned?.pin(handle)
    }

    private func perform(_ url: String) throws(HTTPError) -> Int {
        handle.set(CURLOPT_URL, url)
        let code = unsafe curl_easy_perform(handle.pointer)
        guard code == CURLE_OK else { throw HTTPError(code) }
        return handle.status
    }
}

/// Receives an answer in pieces, up to its limit.
private final class ResponseSink {
    private(set) var body: [UInt8] = []
    private(set) var isOverfull = false
    private let limit: Int

    init(limit: Int) {
        self.limit = limit
        // Reserve all of it first, so that growing leaves no copies of possible secrets.
        body.reserveCapacity(limit)
    }

    func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard body.count + bytes.count <= limit else {
            isOverfull = true
            return false
        }
        unsafe body.append(contentsOf: bytes)
        return true
    }
}
