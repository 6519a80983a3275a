import BearerTokens
import Cryptography
import FastCGI
import KeyManagement
import Logging
import S3ObjectStore
import SealedCache
import SigV4
import StreamIssuing

/// All settings of the operator, valid.
struct Settings {
    /// One loop serves two cores best, beside nginx, database and cache (Tests/Load).
    static func defaultLoops(cores: Int) -> Int { cores <= 4 ? 1 : 2 }

    let listen: SocketAddress
    let gateListen: SocketAddress
    /// Event loops, each a thread.
    let loops: Int
    let database: DatabaseSettings
    let cache: CacheSettings
    let keyRingSource: any KeyRingSource
    let cacheTTLBuffer: Duration
    let s3: S3Settings
    let claims: ClaimRequirements
    let requestTimeout: Duration
    /// How long a request may wait before the loop begins it.
    let queueTimeout: Duration
    let breakerFailures: Int
    let breakerOpen: Duration
    let logLevel: Logger.Level
    /// Nil where no traces are collected.
    let traces: TraceSettings?
    /// Files that must be read again when they change.
    let watchedPaths: [String]
}

/// Settings with the secrets that they name. The caller separates them immediately: settings stay for as long as the process runs,
/// secrets until they are replaced.
struct LoadedSettings {
    let settings: Settings
    let secrets: Secrets
}

/// The part that is replaced while requests are answered.
struct Secrets: Sendable {
    let keySet: KeySet
    let keyRing: KeyRing
    let storeCredentials: Credentials
}

struct DatabaseSettings {
    /// It may hold a password.
    let url: SecretText
    let timeout: Duration
}

struct CacheSettings {
    let url: CacheURL
    let prefix: String
    let timeout: Duration
}

struct TraceSettings {
    let endpoint: String
    /// 0 … 1
    let sampleRatio: Double
}

/// All complaints, a line each.
struct SettingsError: Error, CustomStringConvertible {
    let complaints: [String]
    /// Whether the same settings may work later: a service that they need did not answer.
    var isTemporary = false

    var description: String { complaints.joined(separator: "\n") }
}
