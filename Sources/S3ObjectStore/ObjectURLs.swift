import SigV4
import StreamIssuing

/// The signed URLs of one bucket: for players through the public endpoint, for the service's own calls through the internal one.
///
/// Holds signing contexts: not thread-safe.
final class ObjectURLs {
    private let settings: S3Settings
    private let clock: any WallClock
    private var forPlayers: Presigner
    private var forOwnCalls: Presigner
    var credentials: Credentials {
        didSet { (forPlayers, forOwnCalls) = Self.presigners(settings, credentials) }
    }

    /// How long the service's own signed HEAD is valid.
    private static let ownExpiry: Duration = .seconds(60)

    init(_ settings: S3Settings, _ credentials: Credentials, _ clock: any WallClock) {
        self.settings = settings
        self.credentials = credentials
        self.clock = clock
        (forPlayers, forOwnCalls) = Self.presigners(settings, credentials)
    }

    private static func presigners(_ settings: S3Settings, _ credentials: Credentials) -> (Presigner, Presigner) {
        func presigner(_ endpoint: Endpoint) -> Presigner {
            Presigner(
                credentials: credentials, region: settings.region, endpoint: endpoint, bucket: settings.bucket,
                addressing: settings.addressing)
        }
        return (presigner(settings.publicEndpoint), presigner(settings.endpoint))
    }

    /// - Parameter objectKey: empty for the bucket itself.
    func head(_ objectKey: SecretText) throws(Unavailable) -> String {
        do {
            return try forOwnCalls.presign(method: "HEAD", key: objectKey.exposeSecret(), at: clock.now, expiry: Self.ownExpiry)
        } catch {
            throw Unavailable(.objectStore, code: "signing", reason: "\(error)")
        }
    }

    func get(_ objectKey: SecretText, contentType: String, at now: UnixTime) throws(Unavailable) -> PresignedURL {
        try ObjectKey.check(objectKey)
        let expiry = try expiry(at: now)
        do {
            let url = try forPlayers.presign(key: objectKey.exposeSecret(), responseContentType: contentType, at: now, expiry: expiry)
            return PresignedURL(url: SecretText(url), expiresAt: now.adding(expiry))
        } catch {
            throw Unavailable(.objectStore, code: "signing", reason: "\(error)")
        }
    }

    /// As long as the settings say, but not beyond the end of the credentials.
    private func expiry(at now: UnixTime) throws(Unavailable) -> Duration {
        guard let expiration = credentials.expiration else { return settings.presignExpiry }
        let expiry = min(settings.presignExpiry, now.duration(to: expiration))
        guard expiry >= Presigner.expiryRange.lowerBound else {
            throw Unavailable(.objectStore, code: "credentials_expired", reason: "the store's credentials have expired")
        }
        return expiry
    }
}
