public import HTTPClient
public import SigV4

/// Where the bucket is, for the service and for players.
public struct S3Settings: Sendable {
    /// Whether the service looks an object up before it issues a URL.
    public enum Verification: String, Sendable, CaseIterable {
        /// HEAD of the object first.
        case object
        case none
    }

    /// What URLs say about their users.
    public enum Users: String, Sendable, CaseIterable {
        case none
        /// The parameter `x-nt-u`: `UserMark`.
        case signed
    }

    /// For the service's own calls.
    public let endpoint: Endpoint
    /// In the URLs for players.
    public let publicEndpoint: Endpoint
    public let region: String
    public let bucket: String
    public let addressing: Endpoint.Addressing
    /// 1 s to 7 days, default 120 s.
    public let presignExpiry: Duration
    /// In which all hosts sign the same URL for an object; nil where each URL is signed at its own second.
    public let signingWindow: SigningWindow?
    /// Whether each URL says whom it was issued to.
    public let users: Users
    /// For one HEAD, tried twice at most; default 5 s.
    public let timeout: Duration
    public let verification: Verification
    /// What proxies do with an endpoint's path; default `kept`.
    public let pathHandling: Endpoint.PathHandling
    /// For the service's own calls; default: the machine's authorities, and no certificate of its own.
    public let files: TLSFiles

    public init(
        endpoint: Endpoint, publicEndpoint: Endpoint, region: String, bucket: String, addressing: Endpoint.Addressing,
        presignExpiry: Duration, signingWindow: SigningWindow? = nil, users: Users = .none, timeout: Duration,
        verification: Verification,
        pathHandling: Endpoint.PathHandling = .kept, files: TLSFiles = TLSFiles()
    ) {
        self.endpoint = endpoint
        self.publicEndpoint = publicEndpoint
        self.region = region
        self.bucket = bucket
        self.addressing = addressing
        self.presignExpiry = presignExpiry
        self.signingWindow = signingWindow
        self.users = users
        self.timeout = timeout
        self.verification = verification
        self.pathHandling = pathHandling
        self.files = files
    }

    /// Everything that shapes a URL, for the cache's validators, except the secret key.
    public func fingerprintText(_ credentials: Credentials) -> String {
        let path = publicEndpoint.path.isEmpty ? "" : "\(publicEndpoint.path) \(pathHandling.rawValue)"
        return [
            publicEndpoint.scheme.rawValue, publicEndpoint.host + path,
            publicEndpoint.port.map { String($0) } ?? "", region, bucket,
            addressing.rawValue, credentials.accessKeyID, credentials.sessionToken ?? "",
            String(presignExpiry.components.seconds) + (signingWindow.map { " \($0.length.components.seconds)" } ?? "")
                + (users == .none ? "" : " \(UserMark.parameter)"),
        ].joined(separator: "\n")
    }
}
