import CCurl

/// One easy handle of libcurl, with the options that all transfers of this service share: no proxy, HTTP only, no
/// signals, certificates verified. It keeps its connections unless a multi handle does. Not thread-safe.
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
        if let authorities = trust.files.certificateAuthorities {
            set(CURLOPT_CAINFO, authorities)
            if !trust.files.addsToMachineAuthorities {
                unsafe novatune_curl_set_pointer(pointer, CURLOPT_CAPATH, nil)
            }
        }
        if let certificate = trust.files.clientCertificate {
            set(CURLOPT_SSLCERT, certificate)
            set(CURLOPT_SSLKEY, trust.files.clientKey ?? certificate)
        }
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

    /// Path and query are sent as they stand (CURLOPT_REQUEST_TARGET(3)): libcurl would parse and print them, which
    /// costs it as much as the rest of the call where they are as long as those of a signed URL.
    /// - Parameter offset: of the path, in bytes; the URL's length where it has none.
    func set(_ url: String, targetAt offset: Int) {
        unsafe url.withCString { text in
            let target = unsafe text + offset
            unsafe _ = novatune_curl_set_pointer(pointer, CURLOPT_REQUEST_TARGET, target.pointee == 0 ? nil : target)
        }
        set(CURLOPT_URL, String(url.utf8.prefix(offset)) ?? url)
    }

    /// A header field of the last answer, the first of that name (curl_easy_header(3)).
    func header(_ name: String) -> String? { header(name, line: 0) }

    /// All lines of a header field that is a list, as one (RFC 9110 §5.3).
    func list(_ name: String) -> String? {
        var lines: [String] = []
        while let line = header(name, line: lines.count) { lines.append(line) }
        return lines.isEmpty ? nil : lines.joined(separator: ", ")
    }

    private func header(_ name: String, line: Int) -> String? {
        var header: UnsafeMutablePointer<curl_header>?
        guard unsafe curl_easy_header(pointer, name, line, UInt32(CURLH_HEADER), -1, &header) == CURLHE_OK,
            let value = unsafe header?.pointee.value
        else { return nil }
        return unsafe String(cString: value)
    }

    /// The status of the last answer.
    var status: Int {
        var status = 0
        unsafe novatune_curl_get_long(pointer, CURLINFO_RESPONSE_CODE, &status)
        return status
    }
}

/// How a server's certificate is verified, and which one this client shows.
struct ServerTrust: Sendable {
    let files: TLSFiles
    let isServerVerified: Bool
}
