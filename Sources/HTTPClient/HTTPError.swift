import CCurl

/// No HTTP answer came. Holds libcurl's words for its own error code, never the URL.
public struct HTTPError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A stable word for logs and metrics: `timeout`, `connect`, `tls`, `too_large`, `lost`.
    public let code: String
    public let description: String

    static let tooLarge = HTTPError(code: "too_large", description: "the answer is too large")

    private init(code: String, description: String) {
        self.code = code
        self.description = description
    }

    init(_ result: CURLcode) {
        code =
            switch result {
            case CURLE_OPERATION_TIMEDOUT: "timeout"
            case CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_HOST: "connect"
            case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE: "tls"
            default: "lost"
            }
        description = unsafe String(cString: curl_easy_strerror(result))
    }
}
