import Cryptography
public import EventLoop
public import HTTPClient
public import Resilience
public import SigV4
public import StreamIssuing

/// Audio and waveforms in an S3 bucket, on an event loop: verified through the internal endpoint, presigned for the public one.
///
/// An object that was verified recently is not looked up again, and requests for the same object share one call. The
/// in-flight limit bounds how many requests wait; the excess is refused without waiting.
///
/// For the loop's thread only.
public final class LoopObjectStore: ObjectStore, @unchecked Sendable {
    private let settings: S3Settings
    private let urls: ObjectURLs
    private let verified: VerifiedObjects
    private let access: StoreAccess
    private let breaker: SharedBreaker
    private let calls: SharedHeads
    private let sha256 = SHA256()
    private var inFlight: InFlightLimit

    /// - Parameters:
    ///   - verified: shared by all stores of this bucket.
    ///   - access: shared likewise.
    ///   - breaker: shared likewise. A call counts once, retry included; an answer that is about the object or the
    ///     credentials (4xx) shows that the store is healthy.
    ///   - inFlight: how many requests may wait for this store.
    ///   - marker: marks each URL with its user; nil for URLs without.
    public init(
        _ settings: S3Settings, credentials: Credentials, clock: any WallClock, loop: EventLoop, client: LoopHTTPClient,
        verified: VerifiedObjects, access: StoreAccess = StoreAccess(), breaker: SharedBreaker,
        inFlight: InFlightLimit = InFlightLimit(), marker: UserMarker? = nil
    ) {
        self.settings = settings
        urls = ObjectURLs(settings, credentials, clock, marker)
        self.verified = verified
        self.access = access
        self.breaker = breaker
        self.inFlight = inFlight
        calls = SharedHeads(loop, client, timeout: settings.timeout)
    }

    /// May be replaced between two requests.
    public var credentials: Credentials {
        get { urls.credentials }
        set { urls.credentials = newValue }
    }

    /// The same.
    public var marker: UserMarker? {
        get { urls.marker }
        set { urls.marker = newValue }
    }

    /// Whether `verify` asks the store at all.
    public var verifiesObjects: Bool { settings.verification == .object }

    /// Requests that wait for the store.
    public var waitingCount: Int { inFlight.count }

    /// As `ObjectStore.presign`.
    public func presign(
        objectKey: SecretText, contentType: String, for session: UserSession?, at now: UnixTime
    ) throws(Unavailable) -> PresignedURL {
        try urls.get(objectKey, contentType: contentType, for: session, at: now)
    }

    /// Returns if the track's object exists and is readable.
    /// - Parameters:
    ///   - deadline: for all attempts together.
    ///   - abandonment: of the request, which then leaves its place to another one.
    ///   - observer: called once, before this returns or throws; not called where the store verifies no objects or the
    ///     key is illegal.
    public nonisolated(nonsending) func verify(
        _ track: Track, by deadline: ContinuousClock.Instant, unless abandonment: Abandonment,
        observer: (ObjectStoreCall) -> Void
    ) async throws(Unavailable) {
        try ObjectKey.check(track.objectKey)
        guard verifiesObjects else { return }
        let start = ContinuousClock.now
        let object = VerifiedObjectTable.Object(
            keyDigest: sha256.hash(track.objectKey.exposeSecret()), version: track.version, part: track.part)
        guard let epoch = verified.epochUnlessContained(object, of: track.id, at: start) else {
            return observer(.remembered(start))
        }
        var outcome = await lookUp(track.objectKey, object.keyDigest, by: deadline, unless: abandonment)
        switch outcome.status {
        case 200:
            verified.remember(object, of: track.id, verifiedAt: outcome.start ?? start, since: epoch)
            access.objectWasReadable()
        case 404: verified.forget(track.id)
        case let status? where status == 400 || status == 403:
            outcome.failure = access.refusal(status, of: object.keyDigest)
        default: break
        }
        observer(ObjectStoreCall(outcome, start: start))
        if let failure = outcome.failure { throw failure }
    }

    public nonisolated(nonsending) func verify(
        _ track: Track, by deadline: ContinuousClock.Instant, unless abandonment: Abandonment
    ) async -> CallOutcome<Void>? {
        var call: ObjectStoreCall?
        let began = ContinuousClock.now
        do throws(Unavailable) {
            try await verify(track, by: deadline, unless: abandonment) { call = $0 }
            guard let call, !call.isRemembered else { return nil }
            return CallOutcome(.success(()), began: began, ended: .now)
        } catch {
            return CallOutcome(.failure(error), began: began, ended: .now)
        }
    }

    private nonisolated(nonsending) func lookUp(
        _ key: SecretText, _ digest: Digest256, by deadline: ContinuousClock.Instant, unless abandonment: Abandonment
    ) async -> HeadOutcome {
        guard inFlight.enter() else {
            return .refused(
                Unavailable(
                    .objectStore, code: "bulkhead_full", reason: "too many requests wait for it already",
                    retryAfterSeconds: 1))
        }
        defer { inFlight.leave() }
        do {
            let url = try urls.own("HEAD", key)
            return await calls.head(url, of: digest, by: deadline, unless: abandonment, breaker)
        } catch {
            return .refused(error)
        }
    }
}
