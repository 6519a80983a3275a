import BearerTokens
import Cryptography
import PostgreSQLTrackStore
import RequestTraces
import Resilience
import S3ObjectStore
import SealedCache
import SigV4
import StreamIssuing

/// What all workers share, and how each makes what is its own.
final class Resources: Sendable {
    typealias Issuer = StreamIssuer<
        TracedTrackStore<MeasuredTrackStore<PostgreSQLTrackStore>>, TracedStreamURLCache<MeasuredStreamURLCache<SealedStreamURLCache>>,
        TracedObjectStore<MeasuredObjectStore<S3ObjectStore>>
    >

    let clock = SystemClock()
    let telemetry: Telemetry
    let limits: RequestLimits
    let secrets: CurrentSecrets
    let seals = SealCounts()
    /// What users have asked for lately, of all workers together.
    let allowances = Locked(AllowanceTracker())
    /// Nil where nobody collects traces.
    let traces: Traces?
    private let settings: Settings
    /// Where the cache is in the process, all workers use the one.
    private let memoryStore: MemoryStore?
    private let breakers: [Unavailable.Dependency: SharedBreaker]
    /// At most half of the workers wait for the object store.
    private let bulkhead: SharedBulkhead

    init(_ settings: Settings, _ secrets: Secrets, telemetry: Telemetry) {
        self.settings = settings
        self.telemetry = telemetry
        self.secrets = CurrentSecrets(secrets)
        traces = settings.traces.map { Traces($0, telemetry) }
        limits = RequestLimits(requestTimeout: settings.requestTimeout, queueTimeout: settings.queueTimeout)
        bulkhead = SharedBulkhead(Bulkhead.Policy(limit: settings.workers / 2))
        let breakerPolicy = CircuitBreaker.Policy(
            failureLimit: settings.breakerFailures, openDuration: settings.breakerOpen, probeLimit: settings.requestTimeout)
        breakers = Dictionary(
            uniqueKeysWithValues: Unavailable.Dependency.allCases.map { dependency in
                (dependency, SharedBreaker(breakerPolicy))
            })
        if case .memory(let limits) = settings.cache.url { memoryStore = MemoryStore(limits: limits) } else { memoryStore = nil }
        if let memoryStore { telemetry.watch(memoryStore) }
        telemetry.watch(breakers)
        telemetry.watch(bulkhead)
        telemetry.watch(seals)
        telemetry.watch(traces?.exporter)
        telemetry.loaded(secrets)
    }

    /// Keyed with the secret that signs, so that a URL is not served beyond its secret either.
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

    func makePolicy(_ edition: CurrentSecrets.Edition) -> IssuingPolicy {
        IssuingPolicy(
            presignExpiry: settings.s3.presignExpiry, cacheBuffer: settings.cacheTTLBuffer,
            presignFingerprint: Self.fingerprint(settings.s3, edition.secrets.storeCredentials),
            credentialsEnd: edition.secrets.storeCredentials.expiration)
    }

    func makeTokenVerifier(_ edition: CurrentSecrets.Edition) -> TokenVerifier {
        TokenVerifier(
            keys: edition.secrets.keySet, requirements: settings.claims, verifiedTokens: edition.verifiedTokens, clock: clock)
    }

    func makeTrackStore(breaker: SharedBreaker) -> PostgreSQLTrackStore {
        PostgreSQLTrackStore(conninfo: settings.database.url, timeout: settings.database.timeout, breaker: breaker)
    }

    func makeObjectStore(_ edition: CurrentSecrets.Edition, breaker: SharedBreaker) -> S3ObjectStore {
        S3ObjectStore(settings.s3, credentials: edition.secrets.storeCredentials, clock: clock, breaker: breaker, bulkhead: bulkhead)
    }

    /// The one that all workers share, for one whose events tell what it brings about.
    func breaker(_ dependency: Unavailable.Dependency, _ events: RequestEvents) -> SharedBreaker {
        guard let breaker = breakers[dependency] else { preconditionFailure("every dependency has a breaker") }
        return breaker.observed { events.breakerChanged(dependency, to: $0) }
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

    func makeInvalidationListener() -> InvalidationListener {
        InvalidationListener(conninfo: settings.database.url, timeout: settings.database.timeout)
    }

    func makeInvalidator() -> CacheInvalidator {
        CacheInvalidator(store: makeValueStore(), prefix: settings.cache.prefix)
    }

    func makeSealer(_ edition: CurrentSecrets.Edition) -> EntrySealer {
        do {
            return try EntrySealer(edition.secrets.keyRing, counts: seals)
        } catch {
            // The ring's keys were checked when the settings were read.
            preconditionFailure("the key ring does not work: \(error)")
        }
    }

    func makeCache(_ edition: CurrentSecrets.Edition, _ events: RequestEvents) -> SealedStreamURLCache {
        SealedStreamURLCache(
            store: makeValueStore(), sealer: makeSealer(edition), prefix: settings.cache.prefix, breaker: breaker(.cache, events),
            observer: events)
    }

    func makeIssuer(
        _ store: PostgreSQLTrackStore, _ cache: SealedStreamURLCache, _ objects: S3ObjectStore, _ edition: CurrentSecrets.Edition
    ) -> Issuer {
        let (dependencies, tracer) = (telemetry.dependencies, traces?.tracer)
        let isServer = if case .server = settings.cache.url { true } else { false }
        return StreamIssuer(
            store: TracedTrackStore(MeasuredTrackStore(store, dependencies.database), tracer),
            cache: TracedStreamURLCache(MeasuredStreamURLCache(cache, dependencies.cache), isServer: isServer, tracer),
            objects: TracedObjectStore(MeasuredObjectStore(objects, objects.looksUp ? dependencies.objectStore : nil), tracer),
            policy: makePolicy(edition), clock: clock)
    }

    /// Tells the other responders how often the keys have sealed, and learns it from them.
    func shareSealCounts(through store: any ValueStore) throws(ValueStoreError) {
        try seals.share(through: store, prefix: settings.cache.prefix)
        telemetry.sealed(seals.figures)
    }
}
