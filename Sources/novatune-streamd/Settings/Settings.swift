import BearerTokens
import Cryptography
import FastCGI
import Logging
import S3ObjectStore
import SealedCache

/// Everything the operator decides, valid.
struct Settings {
    /// What measured best on two cores with database and cache calls inside (Tests/Load).
    static let defaultWorkers = 8

    let listen: SocketAddress
    let gateListen: SocketAddress
    let workers: Int
    let database: DatabaseSettings
    let cache: CacheSettings
    let keyRing: KeyRing
    let cacheTTLBuffer: Duration
    let s3: S3Settings
    let keySet: KeySet
    let claims: ClaimRequirements
    let requestTimeout: Duration
    /// How long a request may have waited for a worker.
    let queueTimeout: Duration
    let breakerFailures: Int
    let breakerOpen: Duration
    let logLevel: Logger.Level
    /// Names that are set and have no effect yet.
    let reserved: [String]
}

struct DatabaseSettings {
    /// A secret: it may hold a password.
    let url: String
    let timeout: Duration
}

struct CacheSettings {
    let url: CacheURL
    let prefix: String
    let timeout: Duration
}

/// All complaints at once, a line each.
struct SettingsError: Error, CustomStringConvertible {
    let complaints: [String]

    var description: String { complaints.joined(separator: "\n") }
}
