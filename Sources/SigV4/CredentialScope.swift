public import StreamIssuing

/// `date/region/service/aws4_request`: the scope in which a signing key is valid.
public struct CredentialScope: Sendable, Hashable {
    /// `YYYYMMDD`.
    public let date: String
    public let region: String
    public let service: String

    public init(at time: UnixTime, region: String, service: String = "s3") {
        date = String(time.iso8601Basic.prefix(8))
        self.region = region
        self.service = service
    }

    public var description: String { "\(date)/\(region)/\(service)/aws4_request" }
}
