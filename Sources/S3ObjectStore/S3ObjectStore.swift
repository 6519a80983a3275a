import HTTPClient
public import Resilience
public import SigV4
public import StreamIssuing

/// The audio in an S3 bucket: looked for through the internal endpoint, handed out through the public one.
///
/// Holds an HTTP connection and signing contexts: not for several threads at once.
public final class S3ObjectStore: ObjectStore {
    private let settings: S3Settings
    private let client = HTTPClient()
    /// May be replaced between two requests.
    public var credentials: Credentials {
        didSet { presigners = Presigners(settings, credentials) }
    }
    private var presigners: Presigners
    private let clock: any WallClock
    private let breaker: SharedBreaker
    private let bulkhead: SharedBulkhead

    /// Seconds that the service's own signed HEAD is good for.
    private static let ownExpiry: Duration = .seconds(60)
    /// S3: "Object key names", 1,024 bytes.
    private static let maximumKeyLength = 1024

    /// - Parameters:
    ///   - breaker: shared by all stores of this bucket. An object's look-up counts once, retry included; an answer that is about the
    ///     object or the credentials (4xx) shows that the store is well.
    ///   - bulkhead: shared likewise, so that a stall leaves threads for answers that need no look-up.
    public init(
        _ settings: S3Settings, credentials: Credentials, clock: any WallClock, breaker: SharedBreaker, bulkhead: SharedBulkhead
    ) {
        self.settings = settings
        self.credentials = credentials
        presigners = Presigners(settings, credentials)
        self.clock = clock
        self.breaker = breaker
        self.bulkhead = bulkhead
    }

    /// Whether `verify` asks the store at all.
    public var looksUp: Bool { settings.verification == .object }

    public func verify(objectKey: SecretText, by deadline: ContinuousClock.Instant) throws(Unavailable) {
        try Self.check(objectKey)
        guard looksUp else { return }
        switch try guardedHead(objectKey, by: Deadline(at: deadline)) {
        case 200: return
        case 404: throw Unavailable(.objectStore, code: "missing_object", reason: "the track's object is not in the bucket")
        case let status: throw Self.refused(status)
        }
    }

    public func presign(objectKey: SecretText, contentType: String, at now: UnixTime) throws(Unavailable) -> PresignedURL {
        try Self.check(objectKey)
        let expiry = try expiry(at: now)
        do {
            let url = try presigners.forPlayers.presign(
                key: objectKey.exposed, responseContentType: contentType, at: now, expiry: expiry)
            return PresignedURL(url: SecretText(url), expiresAt: now.adding(expiry))
        } catch {
            throw Unavailable(.objectStore, code: "signing", reason: "\(error)")
        }
    }

    /// As long as the settings say, and no longer than the credentials are good for.
    private func expiry(at now: UnixTime) throws(Unavailable) -> Duration {
        guard let expiration = credentials.expiration else { return settings.presignExpiry }
        let expiry = min(settings.presignExpiry, now.duration(to: expiration))
        guard expiry >= Presigner.expiryRange.lowerBound else {
            throw Unavailable(.objectStore, code: "credentials_expired", reason: "the store's credentials have expired")
        }
        return expiry
    }

    /// Returns if the bucket answers and these credentials may look into it.
    public func probe() throws(Unavailable) {
        switch try head("", timeout: settings.timeout) {
        case 200: return
        case 404: throw Unavailable(.objectStore, code: "missing_bucket", reason: "there is no such bucket")
        case let status: throw Self.refused(status)
        }
    }

    private func guardedHead(_ objectKey: SecretText, by deadline: Deadline) throws(Unavailable) -> Int {
        let permit: CircuitBreaker.Permit
        switch breaker.admit() {
        case .refused(let retryAt): throw .leftAlone(.objectStore, for: ContinuousClock.now.duration(to: retryAt))
        case .admitted(let admitted): permit = admitted
        }
        guard let place = bulkhead.enter(by: deadline) else {
            breaker.abandoned(permit)
            throw Unavailable(
                .objectStore, code: "bulkhead_full", reason: "too many requests wait for it already", retryAfterSeconds: 1)
        }
        defer { bulkhead.leave(place: place) }
        let start = ContinuousClock.now
        do {
            let status = try headTwice(objectKey, by: deadline)
            if status >= 500 || status == 429 { breaker.failed(permit) } else { breaker.succeeded(permit) }
            return status
        } catch {
            // Cut short by what the request had left of its own time: that says nothing about the store.
            let isCutShort = error.code == "timeout" && start.duration(to: .now) < settings.timeout * 9 / 10
            if isCutShort { breaker.abandoned(permit) } else { breaker.failed(permit) }
            throw error
        }
    }

    /// Once more where the first answer says nothing about the object.
    private func headTwice(_ objectKey: SecretText, by deadline: Deadline) throws(Unavailable) -> Int {
        do {
            let status = try head(objectKey, timeout: min(settings.timeout, deadline.remaining))
            guard status >= 500, !deadline.isPast else { return status }
        } catch {
            if deadline.isPast { throw error }
        }
        return try head(objectKey, timeout: min(settings.timeout, deadline.remaining))
    }

    private func head(_ objectKey: SecretText, timeout: Duration) throws(Unavailable) -> Int {
        do {
            let url = try presigners.forOwnCalls.presign(method: "HEAD", key: objectKey.exposed, at: clock.now, expiry: Self.ownExpiry)
            return try client.head(url, timeout: timeout)
        } catch let error as HTTPError {
            throw Unavailable(.objectStore, code: error.code, reason: "\(error)")
        } catch {
            throw Unavailable(.objectStore, code: "signing", reason: "\(error)")
        }
    }

    private static func refused(_ status: Int) -> Unavailable {
        let reason =
            switch status {
            case 403: "the store answered 403; are key, secret, region and clock right?"
            case 301, 307, 400: "the store answered \(status); are region, endpoint and addressing right?"
            default: "the store answered \(status)"
            }
        return Unavailable(.objectStore, code: "http_\(status)", reason: reason)
    }

    /// Keys that a URL parser would change (WHATWG URL, "path state": `.` and `..` segments) would lead to another object.
    private static func check(_ key: SecretText) throws(Unavailable) {
        let segments = key.exposed.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        let isCollapsible = segments.contains { $0.elementsEqual(".".utf8) || $0.elementsEqual("..".utf8) }
        guard (1...maximumKeyLength).contains(key.exposed.utf8.count), !isCollapsible else {
            throw Unavailable(.objectStore, code: "illegal_key", reason: "the track's object key cannot be put into a URL safely")
        }
    }
}

/// One presigner for each of the two endpoints.
private struct Presigners {
    let forPlayers: Presigner
    let forOwnCalls: Presigner

    init(_ settings: S3Settings, _ credentials: Credentials) {
        func presigner(_ endpoint: Endpoint) -> Presigner {
            Presigner(
                credentials: credentials, region: settings.region, endpoint: endpoint, bucket: settings.bucket,
                addressing: settings.addressing)
        }
        forPlayers = presigner(settings.publicEndpoint)
        forOwnCalls = presigner(settings.endpoint)
    }
}
