import CCurl

/// One easy handle of libcurl, with the options that all transfers of this service share: no proxy, HTTP only, no signals, certificates
/// verified. It keeps its connections unless a multi handle does. Not thread-safe.
@safe final class EasyHandle {
    let pointer: UnsafeMutableRawPointer
    private let trust: ServerTrust

    /// libcurl's own globals, once for the process and before any handle.
    static let isLibraryReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    init(_ trust: ServerTrust) {
        precondition(Self.isLibraryReady, "libcurl does not start")
        // Nil only where malloc fails, which would end the process anyway.
        unsafe pointer = curl_easy_init()!
        self.trust = trust
        prepare()
    }

    deinit { unsafe curl_easy_cleanup(pointer) }

    /// Resets all options; connections are kept.
    func reset() {
        unsafe curl_easy_reset(pointer)
        prepare()
    }

    private func prepare() {
        // Without this option libcurl raises SIGALRM for its name resolver's timeout, in any thread.
        set(CURLOPT_NOSIGNAL, 1)
        // A name that does not resolve must not hold the call beyond its timeout.
        set(CURLOPT_QUICK_EXIT, 1)
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        // An empty proxy overrides the one of the environment.
        set(CURLOPT_PROXY, "")
        if let authorities = trust.certificateAuthorities { set(CURLOPT_CAINFO, authorities) }
        if !trust.isServerVerified {
            set(CURLOPT_SSL_VERIFYPEER, 0)
            set(CURLOPT_SSL_VERIFYHOST, 0)
        }
    }

    /// For everything from resolving the name to the last byte of the answer; 1 ms at least.
    func setTimeout(_ timeout: Duration) {
        let (seconds, attoseconds) = timeout.components
        let milliseconds = Int(max(1, seconds * 1000 + attoseconds / 1_000_000_000_000_000))
        set(CURLOPT_TIMEOUT_MS, milliseconds)
        set(CURLOPT_CONNECTTIMEOUT_MS, milliseconds)
    }

    func set(_ option: CURLoption, _ value: Int) {
        unsafe novatune_curl_set_long(pointer, option, value)
    }

    /// libcurl copies strings.
    func set(_ option: CURLoption, _ value: String) {
        unsafe value.withCString { unsafe _ = novatune_curl_set_pointer(pointer, option, $0) }
    }

    /// The status of the last answer.
    var status: Int {
        var status = 0
        unsafe novatune_curl_get_long(pointer, CURLINFO_RESPONSE_CODE, &status)
        return status
    }
}

/// How a server's certificate is verified.
struct ServerTrust: Sendable {
    /// A PEM file instead of the machine's own authorities.
    let certificateAuthorities: String?
    let isServerVerified: Bool
}
