import FastCGI
import StreamIssuing

extension FastCGIResponse {
    /// - Parameter text: receives the body.
    mutating func answer(_ stream: StreamURL, using text: inout JSONText) {
        start(status: 200)
        header("Content-Type", "application/json")
        header("Cache-Control", "private, no-store")
        text.removeAll()
        text.append(stream)
        finish(body: text.bytes)
    }

    /// - Parameter instance: the request's path without its query.
    mutating func answer(_ problem: Problem, instance: String, using text: inout JSONText) {
        start(status: problem.kind.status)
        header("Content-Type", "application/problem+json")
        header("Cache-Control", "no-store")
        if let challenge = problem.challenge { header("WWW-Authenticate", challenge.header) }
        if let seconds = problem.retryAfterSeconds { header("Retry-After", String(seconds)) }
        if problem.kind == .methodNotAllowed { header("Allow", "POST") }
        text.removeAll()
        text.append(problem, instance: instance)
        finish(body: text.bytes)
    }
}

extension Problem.Challenge {
    /// RFC 6750 §3: no error code where no token came.
    var header: String {
        switch self {
        case .noToken: #"Bearer realm="novatune""#
        case .invalidToken:
            #"Bearer realm="novatune", error="invalid_token", error_description="The access token is invalid or expired""#
        }
    }
}

extension FastCGIRequest {
    /// The path as the client wrote it, without its query.
    var instance: String { InstancePath.of(parameter("REQUEST_URI") ?? parameter("DOCUMENT_URI")) }
}

extension Exchange {
    /// The path as the client wrote it, without its query.
    var instance: String { InstancePath.of(parameter("REQUEST_URI") ?? parameter("DOCUMENT_URI")) }
}

/// The member `instance` of problem details (RFC 9457 §3.1.5).
private enum InstancePath {
    static func of(_ uri: String?) -> String {
        // By bytes: a question mark with an accent is one Character, and not a question mark.
        String(Substring((uri ?? "/").utf8.prefix { $0 != UInt8(ascii: "?") }))
    }
}
