/// What a server answered.
public struct HTTPResponse: Sendable {
    public let status: Int
    /// Header `Retry-After` (RFC 9110 §10.2.3), a date converted to seconds; nil where it is absent or says now.
    public let retryAfterSeconds: Int?
    /// The header fields that the call named, by these names; the first of each, and all of a list.
    public let headers: [String: String]
    public var body: [UInt8]

    public init(
        status: Int, retryAfterSeconds: Int? = nil, headers: [String: String] = [:], body: [UInt8] = []
    ) {
        self.status = status
        self.retryAfterSeconds = retryAfterSeconds
        self.headers = headers
        self.body = body
    }
}
