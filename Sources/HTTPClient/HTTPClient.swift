import CCurl

/// A blocking HTTP client for the service's own calls, on libcurl. One handle, which keeps its connections: not for several
/// threads at once. Redirects are not followed; no proxy is used; certificates are verified.
@safe public final class HTTPClient {
    private let handle: UnsafeMutableRawPointer
    private let certificateAuthorities: String?
    private let isServerVerified: Bool

    /// libcurl's own globals, once for the process and before any handle.
    private static let isInitialised = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    /// - Parameters:
    ///   - certificateAuthorities: a PEM file to verify servers against instead of the machine's own authorities.
    ///   - isServerVerified: false for what is neither secret nor believed, such as figures of this machine under another's name.
    public init(certificateAuthorities: String? = nil, isServerVerified: Bool = true) {
        precondition(Self.isInitialised, "libcurl does not start")
        // nil only where malloc fails, which nothing here survives either.
        unsafe handle = curl_easy_init()!
        self.certificateAuthorities = certificateAuthorities
        self.isServerVerified = isServerVerified
    }

    deinit { unsafe curl_easy_cleanup(handle) }

    /// The status code of a HEAD (RFC 9110 §9.3.2).
    /// - Parameters:
    ///   - url: `http` or `https`. Presigned, so it is in no error.
    ///   - timeout: for everything from resolving the name to the last byte of the headers.
    public func head(_ url: String, timeout: Duration) throws(HTTPError) -> Int {
        prepare(timeout)
        setLong(CURLOPT_NOBODY, 1)
        return try perform(url)
    }

    /// The answer to a GET (RFC 9110 §9.3.1).
    /// - Parameters:
    ///   - url: `http` or `https`; in no error.
    ///   - timeout: for everything from resolving the name to the last byte of the answer.
    ///   - responseLimit: in bytes; a longer answer is an error with the code `too_large`.
    public func get(_ url: String, timeout: Duration, responseLimit: Int) throws(HTTPError) -> HTTPResponse {
        prepare(timeout)
        return try receive(url, limit: responseLimit)
    }

    /// The answer to a POST (RFC 9110 §9.3.3).
    /// - Parameters:
    ///   - url: `http` or `https`; in no error.
    ///   - headers: names and values without line breaks.
    ///   - timeout: for everything from resolving the name to the last byte of the answer.
    ///   - responseLimit: in bytes; a longer answer is an error with the code `too_large`.
    public func post(
        _ url: String, headers: [(name: String, value: String)], body: [UInt8], timeout: Duration, responseLimit: Int
    ) throws(HTTPError) -> HTTPResponse {
        prepare(timeout)
        // No "Expect: 100-continue": it only waits.
        var lines: UnsafeMutablePointer<curl_slist>? = unsafe curl_slist_append(nil, "Expect:")
        for (name, value) in headers { unsafe lines = unsafe curl_slist_append(lines, "\(name): \(value)") }
        defer { unsafe curl_slist_free_all(lines) }
        setLong(CURLOPT_POST, 1)
        setLong(CURLOPT_POSTFIELDSIZE, body.count)
        unsafe novatune_curl_set_pointer(handle, CURLOPT_HTTPHEADER, lines)
        return try unsafe body.withUnsafeBufferPointer { (body) throws(HTTPError) -> HTTPResponse in
            unsafe novatune_curl_set_pointer(handle, CURLOPT_POSTFIELDS, body.baseAddress)
            return try receive(url, limit: responseLimit)
        }
    }

    private func receive(_ url: String, limit: Int) throws(HTTPError) -> HTTPResponse {
        let sink = ResponseSink(limit: limit)
        unsafe novatune_curl_set_pointer(handle, CURLOPT_WRITEDATA, Unmanaged.passUnretained(sink).toOpaque())
        unsafe novatune_curl_set_write(handle) { bytes, size, count, sink in
            guard let bytes = unsafe bytes, let sink = unsafe sink else { return 0 }
            let received = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
            // Anything but the count ends the transfer.
            return unsafe Unmanaged<ResponseSink>.fromOpaque(sink).takeUnretainedValue().take(received) ? size * count : 0
        }
        let status: Int
        do throws(HTTPError) {
            status = try perform(url)
        } catch {
            throw sink.isOverfull ? .tooLarge : error
        }
        var retryAfter: curl_off_t = 0
        unsafe novatune_curl_get_offset(handle, CURLINFO_RETRY_AFTER, &retryAfter)
        // The handle lives on, and must not know what is gone.
        unsafe curl_easy_reset(handle)
        return HTTPResponse(status: status, retryAfterSeconds: retryAfter > 0 ? Int(retryAfter) : nil, body: sink.body)
    }

    private func prepare(_ timeout: Duration) {
        unsafe curl_easy_reset(handle)
        let (seconds, attoseconds) = timeout.components
        let milliseconds = max(1, seconds * 1000 + attoseconds / 1_000_000_000_000_000)
        // Without it libcurl raises SIGALRM for its name resolver's timeout, in whichever thread.
        setLong(CURLOPT_NOSIGNAL, 1)
        // A name that does not resolve must not hold the call beyond its timeout.
        setLong(CURLOPT_QUICK_EXIT, 1)
        setLong(CURLOPT_TIMEOUT_MS, Int(milliseconds))
        setLong(CURLOPT_CONNECTTIMEOUT_MS, Int(milliseconds))
        setText(CURLOPT_PROTOCOLS_STR, "http,https")
        // An empty proxy overrides the one of the environment. libcurl copies strings.
        setText(CURLOPT_PROXY, "")
        if let certificateAuthorities { setText(CURLOPT_CAINFO, certificateAuthorities) }
        if !isServerVerified {
            setLong(CURLOPT_SSL_VERIFYPEER, 0)
            setLong(CURLOPT_SSL_VERIFYHOST, 0)
        }
    }

    private func perform(_ url: String) throws(HTTPError) -> Int {
        setText(CURLOPT_URL, url)
        let code = unsafe curl_easy_perform(handle)
        guard code == CURLE_OK else { throw HTTPError(code) }
        var status = 0
        unsafe novatune_curl_get_long(handle, CURLINFO_RESPONSE_CODE, &status)
        return status
    }

    private func setLong(_ option: CURLoption, _ value: Int) {
        unsafe novatune_curl_set_long(handle, option, value)
    }

    private func setText(_ option: CURLoption, _ value: String) {
        unsafe value.withCString { unsafe _ = novatune_curl_set_pointer(handle, option, $0) }
    }
}

/// What a server answered.
public struct HTTPResponse: Sendable {
    public let status: Int
    /// Header `Retry-After` (RFC 9110 §10.2.3), a date turned into seconds; nil where there is none or it says now.
    public let retryAfterSeconds: Int?
    public var body: [UInt8]

    public init(status: Int, retryAfterSeconds: Int? = nil, body: [UInt8] = []) {
        self.status = status
        self.retryAfterSeconds = retryAfterSeconds
        self.body = body
    }
}

/// Takes an answer in pieces, up to its limit.
private final class ResponseSink {
    private(set) var body: [UInt8] = []
    private(set) var isOverfull = false
    private let limit: Int

    init(limit: Int) {
        self.limit = limit
        // At once, so that growing leaves no copies of what may be secret.
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
