/// The settings that shape an answer.
public struct IssuingPolicy: Sendable, Equatable {
    /// How long a URL lives: 1 s to 7 days.
    public let presignExpiry: Duration
    /// A URL is not handed out of the cache in its last `cacheBuffer`. Less than the expiry.
    public let cacheBuffer: Duration
    public let presignFingerprint: UInt64
    /// When the signing credentials expire, where that is known: no URL that lives longer is handed out.
    public let credentialsEnd: UnixTime?
    /// How far the clocks of the token's issuer and of the database may differ.
    public let tokenLeeway: Duration

    public init(
        presignExpiry: Duration, cacheBuffer: Duration, presignFingerprint: UInt64, credentialsEnd: UnixTime? = nil,
        tokenLeeway: Duration = .zero
    ) {
        self.presignExpiry = presignExpiry
        self.cacheBuffer = cacheBuffer
        self.presignFingerprint = presignFingerprint
        self.credentialsEnd = credentialsEnd
        self.tokenLeeway = tokenLeeway
    }

    @usableFromInline
    func covers(_ presigned: PresignedURL) -> Bool {
        credentialsEnd.map { presigned.expiresAt <= $0 } ?? true
    }
}

/// A stream URL, and where it came from.
public struct IssuedURL: Sendable, Equatable {
    public let streamURL: StreamURL
    public let cameFromCache: Bool

    public init(streamURL: StreamURL, cameFromCache: Bool) {
        self.streamURL = streamURL
        self.cameFromCache = cameFromCache
    }
}

/// The product in one place: for a listener and a track, it returns a URL or throws the reason why not.
///
/// Inlinable, so that it is compiled for the adapters that it is used with.
public final class StreamIssuer<Store: TrackStore, Cache: StreamURLCache, Objects: ObjectStore> {
    @usableFromInline let store: Store
    @usableFromInline let cache: Cache
    @usableFromInline let objects: Objects
    /// May be replaced between two requests.
    public var policy: IssuingPolicy
    @usableFromInline let clock: any WallClock

    public init(store: Store, cache: Cache, objects: Objects, policy: IssuingPolicy, clock: any WallClock) {
        self.store = store
        self.cache = cache
        self.objects = objects
        self.policy = policy
        self.clock = clock
    }

    /// - Parameters:
    ///   - deadline: for the request as a whole, whatever its dependencies' own time limits and retries add up to; a
    ///     cache write may still follow.
    ///   - abandonment: where it happens, no further step begins.
    ///   - observer: sees each step; it is called before `issue` returns.
    @inlinable
    public nonisolated(nonsending) func issue(
        _ trackID: ULID, part: TrackPart = .audio, to listener: Listener, by deadline: ContinuousClock.Instant,
        unless abandonment: Abandonment, _ observer: some IssueObserver
    ) async throws(Problem) -> IssuedURL {
        let question = store.ask(user: listener.user, track: trackID, part: part, by: deadline)
        // The cache is read while the database works. Its keys have the user's ULID, so an identity is resolved first.
        var lookup = listener.user.userID.map { cache.beginRead(user: $0, track: trackID, part: part, by: deadline) }
        let facts = await store.answer(to: question)
        observer.asked(facts)
        if lookup == nil, !abandonment.hasHappened, case .success(let known) = facts.result, let user = known.user {
            lookup = cache.beginRead(user: user.id, track: trackID, part: part, by: deadline)
        }
        var read: CallOutcome<CachedStreamURL?>?
        if let lookup {
            let outcome = await cache.entry(of: lookup)
            observer.read(outcome)
            read = outcome
        }
        guard !abandonment.hasHappened else { throw .clientGone }
        let known = try Self.value(facts.result)
        if let user = known.user {
            listener.tokenHistory?.used(validAfterMicroseconds: user.tokensValidAfterMicroseconds)
        }
        let permission = try AccessDecision.decide(for: listener, known, leeway: policy.tokenLeeway)
        let track = permission.track
        let validators = CacheValidators(
            trackVersion: track.version, objectKey: track.objectKey, userEpoch: permission.sessionEpoch,
            presignFingerprint: policy.presignFingerprint)
        if case .success(let cached?)? = read?.result,
            cached.isUsable(at: clock.now, validators: validators, buffer: policy.cacheBuffer),
            policy.covers(cached.presigned)
        {
            return IssuedURL(streamURL: answer(cached.presigned, track), cameFromCache: true)
        }
        if let verified = await objects.verify(track, by: deadline, unless: abandonment) {
            guard !abandonment.hasHappened else { throw .clientGone }
            observer.verified(verified)
            try Self.value(verified.result)
        }
        let presigned = try presign(track, for: permission.session, observer)
        // The entry ends with its grant, or with the credentials that shortened the URL.
        let now = clock.now
        let timeToLive = min(
            policy.presignExpiry - policy.cacheBuffer, now.duration(to: presigned.expiresAt) - policy.cacheBuffer,
            now.duration(to: permission.until))
        if timeToLive > .zero {
            cache.write(
                CachedStreamURL(presigned: presigned, validators: validators), user: permission.userID, track: trackID,
                part: part, timeToLive: timeToLive)
        }
        return IssuedURL(streamURL: answer(presigned, track), cameFromCache: false)
    }

    @inlinable
    func presign(
        _ track: Track, for session: UserSession, _ observer: some IssueObserver
    ) throws(Problem) -> PresignedURL {
        let began = ContinuousClock.now
        let result: Result<PresignedURL, Unavailable>
        do throws(Unavailable) {
            result = .success(
                try objects.presign(
                    objectKey: track.objectKey, contentType: track.mimeType, for: session, at: clock.now))
        } catch {
            result = .failure(error)
        }
        observer.presigned(CallOutcome(result, began: began, ended: .now))
        return try Self.value(result)
    }

    @inlinable
    static func value<Value>(_ result: Result<Value, Unavailable>) throws(Problem) -> Value {
        switch result {
        case .success(let value): return value
        case .failure(let cause): throw .serviceUnavailable(cause)
        }
    }

    @inlinable
    func answer(_ presigned: PresignedURL, _ track: Track) -> StreamURL {
        StreamURL(
            part: track.part, url: presigned.url, expiresAt: presigned.expiresAt, contentType: track.mimeType,
            fileSizeInBytes: track.sizeInBytes)
    }
}
