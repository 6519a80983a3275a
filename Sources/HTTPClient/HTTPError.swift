import CCurl

/// No HTTP answer came. Holds libcurl's text for its own error code, never the URL.
public struct HTTPError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A stable word for logs and metrics: `timeout`, `connect`, `tls`, `too_large`, `lost`.
    public let code: String
    public let description: String

    /// Whether the call was attempted; false where it waited for a free connection until its time was up.
    public let wasAttempted: Bool

    static let tooLarge = HTTPError(code: "too_large", description: "the answer is too large")
    static let noConnectionFree = HTTPError(
        code: "timeout", description: "no connection came free in time", wasAttempted: false)
    static let brokenOff = HTTPError(code: "lost", description: "the answer ended within its headers")
    static let malformedURL = HTTPError(CURLE_URL_MALFORMAT)
    static let unknownName = HTTPError(CURLE_COULDNT_RESOLVE_HOST)
    static let resolverTimeout = HTTPError(code: "timeout", description: "the name was not resolved in time")

    private init(code: String, description: String, wasAttempted: Bool = true) {
        self.code = code
        self.description = description
        self.wasAttempted = wasAttempted
    }

    init(_ result: CURLcode) {
        code =
            switch result {
            case CURLE_OPERATION_TIMEDOUT: "timeout"
            case CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_HOST: "connect"
            case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE,
                CURLE_SSL_CERTPROBLEM, CURLE_SSL_CLIENTCERT:
                "tls"
            default: "lost"
            }
        description = unsafe String(cString: curl_easy_strerror(result))
        wasAttempted = true
    }
}
