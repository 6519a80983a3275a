import BearerTokens
import Cryptography
import PostgreSQLTrackStore
import S3ObjectStore
import SealedCache
import SigV4
import StreamIssuing

/// What all workers share, and how each makes what is its own.
final class Resources: Sendable {
    typealias Issuer = StreamIssuer<PostgreSQLTrackStore, SealedStreamURLCache, S3ObjectStore>

    let clock = SystemClock()
    let telemetry: Telemetry
    private let settings: Settings
    private let policy: IssuingPolicy
    private let verifiedTokens = VerifiedTokens()
    /// Where the cache is in the process, all workers use the one.
    private let memoryStore: MemoryStore?

    init(_ settings: Settings, telemetry: Telemetry) {
        self.settings = settings
        self.telemetry = telemetry
        policy = IssuingPolicy(
            presignExpiry: settings.s3.presignExpiry, cacheBuffer: settings.cacheTTLBuffer,
            presignFingerprint: Self.fingerprint(settings.s3))
        if case .memory(let limits) = settings.cache.url { memoryStore = MemoryStore(limits: limits) } else { memoryStore = nil }
        if let memoryStore { telemetry.watch(memoryStore) }
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

    func makeTokenVerifier() -> TokenVerifier {
        TokenVerifier(keys: settings.keySet, requirements: settings.claims, verifiedTokens: verifiedTokens, clock: clock)
    }

    func makeTrackStore() -> PostgreSQLTrackStore {
        PostgreSQLTrackStore(conninfo: settings.database.url, timeout: settings.database.timeout)
    }

    func makeObjectStore() -> S3ObjectStore {
        S3ObjectStore(settings.s3, clock: clock)
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

    func makeIssuer() -> Issuer {
        let sealer: EntrySealer
        do {
            sealer = try EntrySealer(settings.keyRing)
        } catch {
            // The ring's keys were checked when the settings were read.
            preconditionFailure("the key ring does not work: \(error)")
        }
        let cache = SealedStreamURLCache(
            store: makeValueStore(), sealer: sealer, prefix: settings.cache.prefix, observer: telemetry)
        return StreamIssuer(store: makeTrackStore(), cache: cache, objects: makeObjectStore(), policy: policy, clock: clock)
    }
}
