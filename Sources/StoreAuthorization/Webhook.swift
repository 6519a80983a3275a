import Cryptography

/// Answers one request of a store: a decision for each question that shows a token.
///
/// For the loop's thread. Nothing of a request is kept.
final class Webhook {
    enum Reply {
        /// `isAllowed` is what the store goes by. RGW ends its process where the form is another one.
        case decision(StoreAuthorizer.Outcome)
        case noToken
        /// What MinIO posts once before it serves any request.
        case empty
    }

    private let tokens: WebhookTokens
    private let authorizer: StoreAuthorizer
    private let refused: @Sendable () -> RefusedUsers?
    private let sha256 = SHA256()

    init(_ tokens: WebhookTokens, _ authorizer: StoreAuthorizer, refused: @escaping @Sendable () -> RefusedUsers?) {
        self.tokens = tokens
        self.authorizer = authorizer
        self.refused = refused
    }

    /// - Parameter body: is overwritten.
    func reply(to request: WebhookRequest, body: inout [UInt8]) -> Reply {
        defer { body.wipe() }
        guard !body.isEmpty else { return .empty }
        guard tokens.contains(request.tokens, sha256) else { return .noToken }
        StoreSecrets.overwrite(&body)
        guard let question = StoreQuestion(json: body) else { return .decision(.malformed) }
        return .decision(authorizer.decide(question, refused()))
    }
}

extension Webhook.Reply {
    /// A whole HTTP/1.1 response, for one write: head and body apart cost the store 40 ms.
    func bytes(keepsConnection: Bool) -> [UInt8] {
        let (status, isAllowed) =
            switch self {
            case .decision(let outcome): ("200 OK", outcome.isAllowed)
            case .empty: ("200 OK", false)
            case .noToken: ("403 Forbidden", false)
            }
        let body = "{\"result\":\(isAllowed)}"
        let connection = keepsConnection ? "" : "Connection: close\r\n"
        let head = "HTTP/1.1 \(status)\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n"
        return Array("\(head)\(connection)\r\n\(body)".utf8)
    }
}
