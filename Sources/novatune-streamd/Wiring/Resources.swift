import BearerTokens
import Cryptography
import PostgreSQLTrackStore
import Resilience
import S3ObjectStore
import SealedCache
import SigV4
import StreamIssuing

/// What all workers share, and how each makes what is its own.
final class Resources: Sendable {
    typealias Issuer = StreamIssuer<PostgreSQLTrackStore, SealedStreamURLCache, S3ObjectStore>

    let clock = SystemClock()
    let telemetry: Telemetry
    let limits: RequestLimits
    let keys: CurrentKeys
    private let settings: Settings
    private let policy: IssuingPolicy
    /// Where the cache is in the process, all workers use the one.
    private let memoryStore: MemoryStore?
    private let breakers: [Unavailable.Dependency: SharedBreaker]
    /// At most half of the workers wait for the object store.
    private let bulkhead: SharedBulkhead

    init(_ settings: Settings, telemetry: Telemetry) {
        self.settings = settings
        self.telemetry = telemetry
        policy = IssuingPolicy(
            presignExpiry: settings.s3.presignExpiry, cacheBuffer: settings.cacheTTLBuffer,
            presignFingerprint: Self.fingerprint(settings.s3))
        keys = CurrentKeys(settings.keySet, settings.keyRing)
        limits = RequestLimits(requestTimeout: settings.requestTimeout, queueTimeout: settings.queueTimeout)
        bulkhead = SharedBulkhead(Bulkhead.Policy(limit: settings.workers / 2))
        let breakerPolicy = CircuitBreaker.Policy(
            failureLimit: settings.breakerFailures, openDuration: settings.breakerOpen, probeLimit: settings.requestTimeout)
        breakers = Dictionary(
            uniqueKeysWithValues: Unavailable.Dependency.allCases.map { dependency in
                (dependency, SharedBreaker(breakerPolicy, onChange: { telemetry.breakerChanged(dependency, to: $0) }))
            })
        if case .memory(let limits) = settings.cache.url { memoryStore = MemoryStore(limits: limits) } else { memoryStore = nil }
        if let memoryStore { telemetry.watch(memoryStore) }
        telemetry.watch(breakers)
        telemetry.watch(bulkhead)
    }

    /// Keyed with the secret that signs, so that a URL is not served beyond its secret either.
    private static func fingerprint(_ settings: S3Settings) -> UInt64 {
        let key = Array(settings.credentials.secretAccessKey.utf8)
        do {
            return try HMACSHA256(key: key.span).authenticationCode(for: settings.fingerprintText.utf8.span).prefix
        } catch {
            preconditionFailure("OpenSSL's HMAC-SHA-256 does not work: \(error)")
        }
    }

    func makeTokenVerifier(_ keys: CurrentKeys.Keys) -> TokenVerifier {
        TokenVerifier(keys: keys.keySet, requirements: settings.claims, verifiedTokens: keys.verifiedTokens, clock: clock)
    }

    /// - Parameter breaker: nil for the one that all workers share.
    func makeTrackStore(breaker: SharedBreaker? = nil) -> PostgreSQLTrackStore {
        PostgreSQLTrackStore(
            conninfo: settings.database.url, timeout: settings.database.timeout, breaker: breaker ?? self.breaker(.database))
    }

    func makeObjectStore() -> S3ObjectStore {
        S3ObjectStore(settings.s3, clock: clock, breaker: breaker(.objectStore), bulkhead: bulkhead)
    }

    private func breaker(_ dependency: Unavailable.Dependency) -> SharedBreaker {
        guard let breaker = breakers[dependency] else { preconditionFailure("every dependency has a breaker") }
        return breaker
    }

    func makeValueStore() -> any ValueStore {
        switch settings.cache.url {
        case .memory(let limits): memoryStore ?? MemoryStore(limits: limits)
        case .server(let server):
            RESPStore(
                server, timeout: settings.cache.timeout, longestTimeToLive: policy.presignExpiry - policy.cacheBuffer, clock: clock)
        }
    }

    func makeInvalidationListener() -> InvalidationListener {
        InvalidationListener(conninfo: settings.database.url, timeout: settings.database.timeout)
    }

    func makeInvalidator() -> CacheInvalidator {
        CacheInvalidator(store: makeValueStore(), prefix: settings.cache.prefix)
    }

    func makeSealer(_ keys: CurrentKeys.Keys) -> EntrySealer {
        do {
            return try EntrySealer(keys.keyRing)
        } catch {
            // The ring's keys were checked when the settings were read.
            preconditionFailure("the key ring does not work: \(error)")
        }
    }

    func makeCache(_ keys: CurrentKeys.Keys) -> SealedStreamURLCache {
        SealedStreamURLCache(
            store: makeValueStore(), sealer: makeSealer(keys), prefix: settings.cache.prefix, breaker: breaker(.cache), observer: telemetry)
    }

    func makeIssuer(_ cache: SealedStreamURLCache) -> Issuer {
        StreamIssuer(store: makeTrackStore(), cache: cache, objects: makeObjectStore(), policy: policy, clock: clock)
    }
}
