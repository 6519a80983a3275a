import CCurl

/// A blocking HTTP client for the service's own calls, on libcurl. One handle, which keeps its connections: not for several
/// threads at once.
@safe public final class HTTPClient {
    private let handle: UnsafeMutableRawPointer

    /// libcurl's own globals, once for the process and before any handle.
    private static let isInitialised = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    public init() {
        precondition(Self.isInitialised, "libcurl does not start")
        // nil only where malloc fails, which nothing here survives either.
        unsafe handle = curl_easy_init()!
    }

    deinit { unsafe curl_easy_cleanup(handle) }

    /// The status code of a HEAD (RFC 9110 §9.3.2). Redirects are not followed; no proxy is used.
    /// - Parameters:
    ///   - url: `http` or `https`. Presigned, so it is in no error.
    ///   - timeout: for everything from resolving the name to the last byte of the headers.
    public func head(_ url: String, timeout: Duration) throws(HTTPError) -> Int {
        unsafe curl_easy_reset(handle)
        let (seconds, attoseconds) = timeout.components
        let milliseconds = max(1, seconds * 1000 + attoseconds / 1_000_000_000_000_000)
        setLong(CURLOPT_NOBODY, 1)
        // Without it libcurl raises SIGALRM for its name resolver's timeout, in whichever thread.
        setLong(CURLOPT_NOSIGNAL, 1)
        // A name that does not resolve must not hold the call beyond its timeout.
        setLong(CURLOPT_QUICK_EXIT, 1)
        setLong(CURLOPT_TIMEOUT_MS, Int(milliseconds))
        setLong(CURLOPT_CONNECTTIMEOUT_MS, Int(milliseconds))
        setLong(CURLOPT_PROTOCOLS, Int(CURLPROTO_HTTP | CURLPROTO_HTTPS))
        let code = unsafe url.withCString { url in
            // An empty proxy overrides the one of the environment.
            unsafe "".withCString { noProxy in
                unsafe novatune_curl_set_pointer(handle, CURLOPT_URL, url)
                unsafe novatune_curl_set_pointer(handle, CURLOPT_PROXY, noProxy)
                return unsafe curl_easy_perform(handle)
            }
        }
        guard code == CURLE_OK else { throw HTTPError(code) }
        var status = 0
        unsafe novatune_curl_get_long(handle, CURLINFO_RESPONSE_CODE, &status)
        return status
    }

    private func setLong(_ option: CURLoption, _ value: Int) {
        unsafe novatune_curl_set_long(handle, option, value)
    }
}
