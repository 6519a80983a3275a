import BearerTokens
import Cryptography
import EventLoop
import HTTPClient
import PostgreSQLTrackStore
import ProviderKeys
import RequestTraces
import Resilience
import S3ObjectStore
import SealedCache
import SigV4
import StreamIssuing
import StreamResponder

/// The resources that all loops share, and how each loop makes its own.
final class Resources: Sendable {
    let clock = SystemClock()
    let telemetry: Telemetry
    let limits: RequestLimits
    let secrets: CurrentSecrets
    /// Those that providers publish.
    let keySets: ProviderKeySets
    let seals = KeyUsage()
    /// Each user's recent requests, shared by all loops.
    let allowances = Locked(AllowanceTracker())
    /// Nil where no traces are collected.
    let traces: Traces?
    /// Where new connections to the database go.
    let databaseAddresses: DatabaseAddresses
    let loopsWithoutDatabase = LoopsWithoutDatabase()
    private let settings: Settings
    /// All loops share an in-process cache.
    private let memoryStore: MemoryStore?
    /// What this process keeps of a cache server's entries, if anything.
    private let cacheCopies: MemoryStore?
    /// Nil where the cache is in the process.
    let cacheServer: CurrentServer?
    private let breakers: [Unavailable.Dependency: SharedBreaker]
    /// For writes to the cache: reads may work while they are paused.
    private let cacheWriteBreaker: SharedBreaker
    let verifiedObjects = VerifiedObjects()
    let storeAccess = StoreAccess()
    private let cacheConnecting = BlockingQueue(name: "cache-connect")
    private let cacheConnector: RESPConnector
    private let observesRequests: Bool

    /// - Parameter observesRequests: false leaves out each request's log line, figures and spans, to measure what they
    ///   cost.
    init(
        _ settings: Settings, _ secrets: Secrets, _ keySets: ProviderKeySets, telemetry: Telemetry,
        observesRequests: Bool = true
    ) {
        self.settings = settings
        self.keySets = keySets
        databaseAddresses = DatabaseAddresses(settings.database)
        self.observesRequests = observesRequests
        cacheConnector = RESPConnector(on: cacheConnecting)
        self.telemetry = telemetry
        self.secrets = CurrentSecrets(secrets, keySets: keySets)
        traces = settings.traces.map { Traces($0, telemetry) }
        limits = RequestLimits(
            requestTimeout: settings.responder.requestTimeout, queueTimeout: settings.responder.queueTimeout)
        let breakerPolicy = CircuitBreaker.Policy(
            failureLimit: settings.breaker.failures, openDuration: settings.breaker.open,
            probeLimit: settings.responder.requestTimeout)
        breakers = Dictionary(
            uniqueKeysWithValues: Unavailable.Dependency.allCases.map { dependency in
                (
                    dependency,
                    SharedBreaker(breakerPolicy).observed { [telemetry] in telemetry.breakerChanged(dependency, to: $0)
                    }
                )
            })
        cacheWriteBreaker = SharedBreaker(breakerPolicy)
        switch settings.cache.url {
        case .memory(let limits): (memoryStore, cacheServer, cacheCopies) = (MemoryStore(limits: limits), nil, nil)
        case .server(let server):
            (memoryStore, cacheServer, cacheCopies) =
                (nil, CurrentServer(server), Self.makeCopies(settings.cacheCopies))
        }
        if let store = memoryStore ?? cacheCopies { telemetry.watch(store) }
        telemetry.watch(breakers)
        telemetry.watch(seals)
        telemetry.watch(keySets)
        telemetry.watch(traces?.exporter)
        telemetry.loaded(secrets)
    }

    /// An entry needs about 1 KiB; the longest object keys and signatures, twice as much.
    private static func makeCopies(_ entries: Int) -> MemoryStore? {
        entries > 0 ? MemoryStore(limits: MemoryStore.Limits(entries: entries, bytes: entries * 2048)) : nil
    }

    /// Keyed with the secret that signs, so that a cached URL is not served beyond its secret either.
    private static func fingerprint(_ settings: S3Settings, _ credentials: Credentials) -> UInt64 {
        let key = SymmetricKey(credentials.secretAccessKey.utf8)
        do {
            return try key.withBytes { (key) throws(CryptographyError) in
                try HMACSHA256(key: key).authenticationCode(for: settings.fingerprintText(credentials).utf8.span).prefix
            }
        } catch {
            preconditionFailure("OpenSSL's HMAC-SHA-256 does not work: \(error)")
        }
    }

    func makePolicy(_ generation: SecretsGeneration) -> IssuingPolicy {
        IssuingPolicy(
            presignExpiry: settings.s3.presignExpiry, cacheBuffer: settings.cacheTTLBuffer,
            presignFingerprint: Self.fingerprint(settings.s3, generation.secrets.storeCredentials),
            credentialsEnd: generation.secrets.storeCredentials.expiration,
            tokenLeeway: generation.secrets.tokens.leeway)
    }

    func makeTokenVerifier(_ generation: SecretsGeneration) -> TokenVerifier {
        TokenVerifier(generation.secrets.tokens, tokenCache: generation.tokenCache, clock: clock)
    }

    /// For a thread that may block: a probe, a command.
    func makeTrackStore(breaker: SharedBreaker) -> PostgreSQLTrackStore {
        PostgreSQLTrackStore(
            conninfo: databaseAddresses.queries, timeout: settings.database.timeout, options: settings.database.access,
            breaker: breaker)
    }

    /// The same.
    func makeObjectStore(_ generation: SecretsGeneration, breaker: SharedBreaker) -> S3ObjectStore {
        S3ObjectStore(
            settings.s3, credentials: generation.secrets.storeCredentials, clock: clock, breaker: breaker,
            access: storeAccess, marker: makeMarker(generation))
    }

    /// Nil where URLs do not name their users.
    func makeMarker(_ generation: SecretsGeneration) -> UserMarker? {
        guard marksUsers else { return nil }
        do {
            return try UserMarker(generation.secrets.keyRing.currentKey)
        } catch {
            // The ring's keys were checked when the settings were read.
            preconditionFailure("the key ring does not work: \(error)")
        }
    }

    /// Objects to try the store with: those of the newest tracks that may be streamed.
    func newestObjects() throws(Unavailable) -> [StoredObject] {
        try ReadyTracks.newestObjects(3, conninfo: databaseAddresses.queries, timeout: settings.database.timeout)
    }

    /// Objects that the store is to refuse: those of the newest tracks that were deleted. Nil where none is revoked.
    func deletedObjects() throws(Unavailable) -> [SecretText]? {
        try DeletedTracks.newestObjects(3, conninfo: databaseAddresses.queries, timeout: settings.database.timeout)
    }

    /// Whether URLs name their users.
    var marksUsers: Bool { settings.s3.users == .signed }

    /// How long URLs live.
    var presignExpiry: Duration { settings.s3.presignExpiry }

    /// Nil where a standby may be behind by any lag.
    var replicaLagLimit: Duration? { settings.database.access.replicaLag.maximum }

    func makeServices(_ loop: EventLoop) -> LoopServices {
        let generation = secrets.value
        let resolver = NameResolver(loop)
        return LoopServices(
            self, generation,
            tracks: PipelinedTrackStore(
                loop, conninfo: databaseAddresses.queries, timeout: settings.database.timeout,
                options: settings.database.access, breaker: breaker(.database),
                reportConnecting: loopsWithoutDatabase.reporter(for: loop)),
            cache: makeCache(loop, generation),
            objects: LoopObjectStore(
                settings.s3, credentials: generation.secrets.storeCredentials, clock: clock, loop: loop,
                client: LoopHTTPClient(loop, resolver: resolver, settings.s3.files), verified: verifiedObjects,
                access: storeAccess, breaker: breaker(.objectStore), marker: makeMarker(generation)),
            resolver: resolver, keyWaiters: WaitingTasks(loop))
    }

    /// For the requests of one loop.
    func makeObserver(_ services: LoopServices) -> RequestObserver {
        guard observesRequests else { return RequestObserver() }
        return TelemetryObserver(
            telemetry.requests, traces?.tracer, isCacheServer: cacheServer != nil,
            servers: SpanServers(settings.s3, settings.cache.url, services.tracks))
    }

    func breaker(_ dependency: Unavailable.Dependency) -> SharedBreaker {
        guard let breaker = breakers[dependency] else { preconditionFailure("every dependency has a breaker") }
        return breaker
    }

    /// A probe has seen the dependency answer: requests need not wait until the breaker's open time is over.
    func noticedRecovery(of name: String) {
        guard let dependency = Unavailable.Dependency(rawValue: name) else { return }
        breaker(dependency).noticedRecovery()
        if dependency == .cache { cacheWriteBreaker.noticedRecovery() }
    }

    /// Of an entry.
    private var longestTimeToLive: Duration { settings.s3.presignExpiry - settings.cacheTTLBuffer }

    /// Tries what requests and invalidations do with the cache.
    func probeCache(_ store: any ValueStore) throws(ValueStoreError) {
        try store.probe(under: settings.cache.prefix)
        // Before the first seal nothing is shared.
        _ = try store.add(0, toCounter: KeyUsage.probeCounter(under: settings.cache.prefix))
        try shareSealCounts(through: store)
    }

    func makeValueStore() -> any ValueStore {
        guard let cacheServer else { return memoryStore ?? MemoryStore() }
        return cacheServer.makeStore(
            timeout: settings.cache.timeout,
            longestTimeToLive: longestTimeToLive, clock: clock)
    }

    /// - Parameter stop: ends the wait for an event.
    func makeInvalidationListener(stop: StopSignal = StopSignal()) -> InvalidationListener {
        InvalidationListener(
            conninfo: databaseAddresses.subscriber, timeout: settings.database.timeout, stop: stop)
    }

    func makeInvalidator() -> CacheInvalidator {
        CacheInvalidator(store: makeValueStore(), copies: cacheCopies, prefix: settings.cache.prefix)
    }

    func makeSealer(_ generation: SecretsGeneration) -> EntrySealer {
        do {
            return try EntrySealer(generation.secrets.keyRing, counts: seals)
        } catch {
            // The ring's keys were checked when the settings were read.
            preconditionFailure("the key ring does not work: \(error)")
        }
    }

    private func makeCache(_ loop: EventLoop, _ generation: SecretsGeneration) -> LoopStreamURLCache {
        let store: any LoopValueStore =
            if let cacheServer {
                cacheServer.makeStore(
                    on: loop, connector: cacheConnector, timeout: settings.cache.timeout,
                    longestTimeToLive: longestTimeToLive, clock: clock)
            } else {
                LoopMemoryStore(memoryStore ?? MemoryStore())
            }
        return LoopStreamURLCache(
            store: store, copies: cacheCopies.map { LocalCopies($0, timeToLive: longestTimeToLive) },
            sealer: makeSealer(generation), prefix: settings.cache.prefix, readBreaker: breaker(.cache),
            writeBreaker: cacheWriteBreaker
        ) { [telemetry] operation in
            RequestObserver.current?.cacheObserver(operation) ?? { telemetry.requests.cacheAnswered($0, [:]) }
        }
    }

    /// Sends the last spans and ends the threads that loops share, after the loops. A call that has not returned by
    /// `deadline` is abandoned.
    /// - Parameter spanDeadline: spans that are not sent by then are dropped.
    /// - Returns: whether the threads have ended.
    @discardableResult
    func stop(by deadline: Deadline, spansBy spanDeadline: Deadline) -> Bool {
        keySets.stop()
        cacheConnecting.stop()
        let areKeySetsStopped = keySets.join(by: deadline)
        let isConnectorStopped = cacheConnecting.join(by: deadline)
        traces?.exporter.shutdown(by: spanDeadline)
        let isExporterStopped = traces?.exporter.join(by: deadline) ?? true
        return areKeySetsStopped && isConnectorStopped && isExporterStopped
    }

    /// Shares this process's seal counts with the other responders, and reads theirs.
    func shareSealCounts(through store: any ValueStore) throws(ValueStoreError) {
        try seals.share(through: store, prefix: settings.cache.prefix)
        telemetry.sealed(seals.figures)
    }
}
