import FastCGI
import StreamIssuing

/// An answer that nginx sends as its own: 204, with everything in headers. nginx's `auth_request` accepts nothing else,
/// and it lets one exchange precede the rate limit (nginx/include/stream-request.conf).
struct HeaderAnswer {
    /// Whether the request asks for this form (`ANSWER_IN=headers`). Without it the answer is a CGI response with a
    /// body.
    static func isWanted(by exchange: some Exchange) -> Bool { exchange.parameter("ANSWER_IN") == "headers" }

    /// Nil for 200.
    let problem: Problem?
    /// Whose allowance the request spends (`RequestRecord.allowanceKey`). A 401 spends none, nor does a 403 for a
    /// missing role.
    let allowanceKey: String?

    /// - Parameter body: one line of JSON, whose control characters are escaped.
    func write(_ body: JSONText, to response: inout FastCGIResponse) {
        response.start(status: 204)
        response.header("X-Status", String(problem?.kind.status ?? 200))
        if let allowanceKey, problem?.kind != .unauthorized { response.header("X-User-Id", allowanceKey) }
        if let seconds = problem?.retryAfterSeconds { response.header("X-Retry-After", String(seconds)) }
        if let challenge = problem?.challenge { response.header("X-Challenge", challenge.header) }
        response.header("X-Answer", body.bytes)
        response.finishWithoutBody()
    }
}
