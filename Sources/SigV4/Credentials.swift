public import StreamIssuing

/// AWS credentials. Describes itself without its secrets.
public struct Credentials: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    public let accessKeyID: String
    public let secretAccessKey: String
    /// From STS, for temporary credentials.
    public let sessionToken: String?
    /// When they expire; nil where that is not known. No signature made with them is valid for longer.
    public let expiration: UnixTime?

    public init(accessKeyID: String, secretAccessKey: String, sessionToken: String? = nil, expiration: UnixTime? = nil)
    {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
        self.sessionToken = sessionToken
        self.expiration = expiration
    }

    public var description: String { "<redacted>" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
