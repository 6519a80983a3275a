import BearerTokens
import Cryptography
import PostgreSQLTrackStore
import S3ObjectStore
import SealedCache
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
            presignFingerprint: SHA256().hash(settings.s3.fingerprintText).prefix)
        if case .memory(let limits) = settings.cacheURL { memoryStore = MemoryStore(limits: limits) } else { memoryStore = nil }
    }

    func makeTokenVerifier() -> TokenVerifier {
        TokenVerifier(keys: settings.keySet, requirements: settings.claims, verifiedTokens: verifiedTokens, clock: clock)
    }

    func makeTrackStore() -> PostgreSQLTrackStore {
        PostgreSQLTrackStore(conninfo: settings.databaseURL, timeout: settings.databaseTimeout)
    }

    func makeObjectStore() -> S3ObjectStore {
        S3ObjectStore(settings.s3, clock: clock)
    }

    func makeValueStore() -> any ValueStore {
        switch settings.cacheURL {
        case .memory(let limits): memoryStore ?? MemoryStore(limits: limits)
        case .server(let server): RESPStore(server, timeout: settings.cacheTimeout)
        }
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
            store: makeValueStore(), sealer: sealer, prefix: settings.cachePrefix, observer: telemetry)
        return StreamIssuer(store: makeTrackStore(), cache: cache, objects: makeObjectStore(), policy: policy, clock: clock)
    }
}
