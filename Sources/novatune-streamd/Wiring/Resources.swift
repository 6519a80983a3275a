import BearerTokens
import Cryptography
import EventLoop
import HTTPClient
import PostgreSQLTrackStore
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
    let seals = KeyUsage()
    /// Each user's recent requests, shared by all loops.
    let allowances = Locked(AllowanceTracker())
    /// Nil where no traces are collected.
    let traces: Traces?
    private let settings: Settings
    /// All loops share an in-process cache.
    private let memoryStore: MemoryStore?
    private let breakers: [Unavailable.Dependency: SharedBreaker]
    /// For writes to the cache: reads may work while they are paused.
    private let cacheWriteBreaker: SharedBreaker
    let verifiedObjects = VerifiedObjects()
    private let cacheConnecting = BlockingQueue(name: "cache-connect")
    private let cacheConnector: RESPConnector
    private let observesRequests: Bool

    /// - Parameter observesRequests: false leaves out each request's log line, figures and spans, to measure what they cost.
    init(_ settings: Settings, _ secrets: Secrets, telemetry: Telemetry, observesRequests: Bool = true) {
        self.settings = settings
        self.observesRequests = observesRequests
        cacheConnector = RESPConnector(on: cacheConnecting)
        self.telemetry = telemetry
        self.secrets = CurrentSecrets(secrets)
        traces = settings.traces.map { Traces($0, telemetry) }
        limits = RequestLimits(requestTimeout: settings.requestTimeout, queueTimeout: settings.queueTimeout)
        let breakerPolicy = CircuitBreaker.Policy(
            failureLimit: settings.breakerFailures, openDuration: settings.breakerOpen, probeLimit: settings.requestTimeout)
        breakers = Dictionary(
            uniqueKeysWithValues: Unavailable.Dependency.allCases.map { dependency in
                (dependency, SharedBreaker(breakerPolicy).observed { [telemetry] in telemetry.breakerChanged(dependency, to: $0) })
            })
        cacheWriteBreaker = SharedBreaker(breakerPolicy)
        if case .memory(let limits) = settings.cache.url { memoryStore = MemoryStore(limits: limits) } else { memoryStore = nil }
        if let memoryStore { telemetry.watch(memoryStore) }
        telemetry.watch(breakers)
        telemetry.watch(seals)
        telemetry.watch(traces?.exporter)
        telemetry.loaded(secrets)
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
            credentialsEnd: generation.secrets.storeCredentials.expiration)
    }

    func makeTokenVerifier(_ generation: SecretsGeneration) -> TokenVerifier {
        TokenVerifier(
            keys: generation.secrets.keySet, requirements: settings.claims, tokenCache: generation.tokenCache, clock: clock)
    }

    /// For a thread that may block: a probe, a command.
    func makeTrackStore(breaker: SharedBreaker) -> PostgreSQLTrackStore {
        PostgreSQLTrackStore(conninfo: settings.database.url, timeout: settings.database.timeout, breaker: breaker)
    }

    /// The same.
    func makeObjectStore(_ generation: SecretsGeneration, breaker: SharedBreaker) -> S3ObjectStore {
        S3ObjectStore(
            settings.s3, credentials: generation.secrets.storeCredentials, clock: clock, breaker: breaker)
    }

    func makeServices(_ loop: EventLoop) -> LoopServices {
        let generation = secrets.value
        let resolver = NameResolver(loop)
        return LoopServices(
            self, generation,
            tracks: PipelinedTrackStore(
                loop, conninfo: settings.database.url, timeout: settings.database.timeout, breaker: breaker(.database)),
            cache: makeCache(loop, generation),
            objects: LoopObjectStore(
                settings.s3, credentials: generation.secrets.storeCredentials, clock: clock, loop: loop,
                client: LoopHTTPClient(loop, resolver: resolver), verified: verifiedObjects, breaker: breaker(.objectStore)),
            resolver: resolver)
    }

    func makeObserver() -> RequestObserver {
        guard observesRequests else { return RequestObserver() }
        let isServer = if case .server = settings.cache.url { true } else { false }
        return TelemetryObserver(telemetry.requests, traces?.tracer, isCacheServer: isServer)
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

    func makeValueStore() -> any ValueStore {
        switch settings.cache.url {
        case .memory(let limits): memoryStore ?? MemoryStore(limits: limits)
        case .server(let server):
            RESPStore(
                server, timeout: settings.cache.timeout, longestTimeToLive: settings.s3.presignExpiry - settings.cacheTTLBuffer,
                clock: clock)
        }
    }

    /// - Parameter stop: ends the wait for an event.
    func makeInvalidationListener(stop: StopSignal = StopSignal()) -> InvalidationListener {
        InvalidationListener(conninfo: settings.database.url, timeout: settings.database.timeout, stop: stop)
    }

    func makeInvalidator() -> CacheInvalidator {
        CacheInvalidator(store: makeValueStore(), prefix: settings.cache.prefix)
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
            switch settings.cache.url {
            case .memory(let limits): LoopMemoryStore(memoryStore ?? MemoryStore(limits: limits))
            case .server(let server):
                RESPLoopStore(
                    server, on: loop, connector: cacheConnector, timeout: settings.cache.timeout,
                    longestTimeToLive: settings.s3.presignExpiry - settings.cacheTTLBuffer, clock: clock)
            }
        return LoopStreamURLCache(
            store: store, sealer: makeSealer(generation), prefix: settings.cache.prefix, readBreaker: breaker(.cache),
            writeBreaker: cacheWriteBreaker
        ) { [telemetry] operation in
            RequestObserver.current?.cacheObserver(operation) ?? { telemetry.requests.cacheAnswered($0, [:]) }
        }
    }

    /// Sends the last spans and ends the threads that loops share, after the loops. A call that has not returned by `deadline` is
    /// abandoned.
    /// - Parameter spanDeadline: spans that are not sent by then are dropped.
    /// - Returns: whether the threads have ended.
    @discardableResult
    func stop(by deadline: Deadline, spansBy spanDeadline: Deadline) -> Bool {
        cacheConnecting.stop()
        let isConnectorStopped = cacheConnecting.join(by: deadline)
        traces?.exporter.shutdown(by: spanDeadline)
        let isExporterStopped = traces?.exporter.join(by: deadline) ?? true
        return isConnectorStopped && isExporterStopped
    }

    /// Shares this process's seal counts with the other responders, and reads theirs.
    func shareSealCounts(through store: any ValueStore) throws(ValueStoreError) {
        try seals.share(through: store, prefix: settings.cache.prefix)
        telemetry.sealed(seals.figures)
    }
}
