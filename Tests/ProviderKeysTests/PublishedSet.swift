import BearerTokens
import TestSupport

/// Key sets as a provider publishes them.
enum PublishedSet {
    /// RFC 8037, appendix A.2.
    static let key = #"{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#
    static let otherKey = key.replacing(#""kid":"a""#, with: #""kid":"b""#)
    static let one = set(key)

    static func set(_ keys: String...) -> String { #"{"keys":["# + keys.joined(separator: ",") + "]}" }

    static func answer(
        _ body: String, status: Int = 200, headers: [String] = [], closes: Bool = false
    ) -> UnhelpfulServer.Answer {
        let lines = headers.map { $0 + "\r\n" }.joined()
        return UnhelpfulServer.Answer(
            "HTTP/1.1 \(status) Whatever\r\n\(lines)Content-Length: \(body.utf8.count)\r\n\r\n\(body)", closes: closes)
    }

    static func location(_ server: UnhelpfulServer) throws -> KeyLocation {
        try KeyLocation(.keys(server.url + "/keys"))
    }
}
