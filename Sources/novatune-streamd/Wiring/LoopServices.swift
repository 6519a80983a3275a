import BearerTokens
import EventLoop
import PostgreSQLTrackStore
import ProviderKeys
import Resilience
import S3ObjectStore
import SealedCache
import StreamIssuing
import StreamResponder

/// What the requests of one event loop share: its connections to database, cache and object store.
final class LoopServices: StreamServices, @unchecked Sendable {
    private let resources: Resources
    private var generation: Int
    private var verifier: TokenVerifier
    private let issuer: StreamIssuer<PipelinedTrackStore, LoopStreamURLCache, LoopObjectStore>
    let tracks: PipelinedTrackStore
    let cache: LoopStreamURLCache
    let objects: LoopObjectStore
    private let resolver: NameResolver
    /// Requests whose token names a key that is being fetched.
    private let keyWaiters: WaitingTasks<Void>

    init(
        _ resources: Resources, _ generation: SecretsGeneration, tracks: PipelinedTrackStore, cache: LoopStreamURLCache,
        objects: LoopObjectStore, resolver: NameResolver, keyWaiters: WaitingTasks<Void>
    ) {
        self.resources = resources
        self.generation = generation.number
        verifier = resources.makeTokenVerifier(generation)
        issuer = StreamIssuer(
            store: tracks, cache: cache, objects: objects, policy: resources.makePolicy(generation),
            clock: resources.clock)
        self.tracks = tracks
        self.cache = cache
        self.objects = objects
        self.resolver = resolver
        self.keyWaiters = keyWaiters
    }

    func takeCurrentSecrets() {
        guard !resources.secrets.isCurrent(generation) else { return }
        let current = resources.secrets.value
        generation = current.number
        verifier = resources.makeTokenVerifier(current)
        issuer.policy = resources.makePolicy(current)
        cache.sealer = resources.makeSealer(current)
        objects.credentials = current.secrets.storeCredentials
        objects.marker = resources.makeMarker(current)
    }

    func verify(authorization: String?) throws(TokenRejection) -> Listener {
        try verifier.verify(authorization: authorization)
    }

    /// nginx has 256 requests at a responder at a time (nginx/settings.envsh): most of these places stay free.
    private static let keyWaiterLimit = 64

    func keyMayCome() -> Bool {
        // They may have come since the token was checked.
        if !resources.secrets.isCurrent(generation) { return true }
        return verifier.unknownKeyMayBePublished && resources.keySets.keyIsUnknown()
    }

    var mayAwaitKeys: Bool { keyWaiters.count < Self.keyWaiterLimit }

    nonisolated(nonsending) func keysFetched(
        by deadline: ContinuousClock.Instant, unless abandonment: Abandonment
    ) async -> Bool {
        guard resources.secrets.isCurrent(generation) else { return true }
        return await keyWaiters.value(by: deadline) { abandonment.whenItHappens($0) } != nil
    }

    /// On the loop's thread.
    func keyFetchEnded() { keyWaiters.resumeAll(()) }

    nonisolated(nonsending) func issue(
        _ track: ULID, _ part: TrackPart, to listener: Listener, by deadline: ContinuousClock.Instant,
        unless abandonment: Abandonment, _ observer: RequestObserver
    ) async throws(Problem) -> IssuedURL {
        try await issuer.issue(track, part: part, to: listener, by: deadline, unless: abandonment, observer)
    }

    /// Connects before the first request.
    func start() {
        tracks.connect()
        cache.start()
    }

    /// Fails the unanswered calls; those to the object store end by themselves. On the loop's thread.
    func close() {
        tracks.close()
        cache.close()
    }

    /// Ends the threads beside the loop, after `close` and the loop's end. A call that has not returned by `deadline`
    /// is abandoned.
    /// - Returns: whether they have ended.
    @discardableResult
    func stop(by deadline: Deadline) -> Bool {
        let areConnectorsStopped = tracks.stop(by: deadline)
        return resolver.stop(by: deadline) && areConnectorsStopped
    }
}
