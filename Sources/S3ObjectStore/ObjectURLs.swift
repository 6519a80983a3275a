import OperatorSettings
import SigV4
import StreamIssuing

/// How long signatures are valid that no setting decides on.
public enum ObjectURLLifetime {
    /// Of the service's own calls.
    public static let ofOwnCalls: Duration = .seconds(60)
}

/// The signed URLs of one bucket: for players through the public endpoint, for the service's own calls through the
/// internal one.
///
/// Holds signing contexts: not thread-safe.
final class ObjectURLs {
    private let settings: S3Settings
    private let clock: any WallClock
    private var forPlayers: Presigner
    private var forOwnCalls: Presigner
    /// Marks each URL with its user; nil for URLs without.
    var marker: UserMarker?
    var credentials: Credentials {
        didSet { (forPlayers, forOwnCalls) = Self.presigners(settings, credentials) }
    }

    /// How long the signature of one of the service's own calls is valid.
    static let ownExpiry = ObjectURLLifetime.ofOwnCalls

    init(_ settings: S3Settings, _ credentials: Credentials, _ clock: any WallClock, _ marker: UserMarker?) {
        self.settings = settings
        self.marker = marker
        self.credentials = credentials
        self.clock = clock
        (forPlayers, forOwnCalls) = Self.presigners(settings, credentials)
    }

    private static func presigners(_ settings: S3Settings, _ credentials: Credentials) -> (Presigner, Presigner) {
        func presigner(_ endpoint: Endpoint) -> Presigner {
            Presigner(
                credentials: credentials, region: settings.region, endpoint: endpoint, bucket: settings.bucket,
                addressing: settings.addressing, pathHandling: settings.pathHandling)
        }
        return (presigner(settings.publicEndpoint), presigner(settings.endpoint))
    }

    /// For one of the service's own calls. Where URLs are marked, a webhook refuses a GET without a mark.
    /// - Parameter method: HEAD, or GET where the body of a refusal is read.
    func own(_ method: String, _ objectKey: SecretText) throws(Unavailable) -> String {
        do {
            return try forOwnCalls.presign(
                method: method, key: objectKey.exposeSecret(), parameter: method == "GET" ? mark(nil) : nil,
                at: clock.now, expiry: Self.ownExpiry)
        } catch {
            throw Unavailable(.objectStore, code: "signing", reason: "\(error)")
        }
    }

    /// - Parameter session: whom the URL is for; nil for a try of the service's own.
    func get(
        _ objectKey: SecretText, contentType: String, for session: UserSession? = nil, at now: UnixTime
    ) throws(Unavailable) -> PresignedURL {
        try ObjectKey.check(objectKey)
        try checkCredentials(at: now)
        let signedAt = settings.signingWindow?.start(of: objectKey.exposeSecret(), at: now) ?? now
        do {
            let url = try forPlayers.presign(
                key: objectKey.exposeSecret(), responseContentType: contentType, parameter: mark(session), at: signedAt,
                expiry: settings.presignExpiry)
            return PresignedURL(url: SecretText(url), expiresAt: signedAt.adding(settings.presignExpiry))
        } catch {
            throw Unavailable(.objectStore, code: "signing", reason: "\(error)")
        }
    }

    private func mark(_ session: UserSession?) -> (name: String, value: String)? {
        marker.map { (UserMark.parameter, $0.mark(session).text) }
    }

    /// A URL ends with the credentials that signed it, whatever it says itself, so it is not signed where they end
    /// first.
    func checkCredentials(at now: UnixTime) throws(Unavailable) {
        guard let expiration = credentials.expiration else { return }
        let left = now.duration(to: expiration)
        guard left < settings.presignExpiry else { return }
        guard left > .zero else {
            throw Unavailable(
                .objectStore, code: "credentials_expired",
                reason: "the store's credentials have expired; replace them (\(S3Setting.credentials.name))")
        }
        throw Unavailable(
            .objectStore, code: "credentials_end_soon",
            reason: "the store's credentials end in \(left.components.seconds) s, before a URL of "
                + "\(settings.presignExpiry.components.seconds) s would; replace them (\(S3Setting.credentials.name))")
    }
}
