import Cryptography
import FastCGI
import KeyManagement
import Logging
import OperatorSettings
import PostgreSQLTrackStore
import RequestTraces
import S3ObjectStore
import SealedCache
import SigV4
import StreamIssuing

/// All settings of the operator, valid; a group for each library that declares them.
struct Settings {
    let responder: ResponderSettings
    let database: DatabaseSettings
    let cache: CacheSettings
    /// Entries that this process keeps in front of a cache server; 0 for none.
    let cacheCopies: Int
    /// A URL leaves the cache this long before it expires: as set, or with the window in which it was signed.
    let cacheTTLBuffer: Duration
    let keyRingSource: any KeyRingSource
    let s3: S3Settings
    let breaker: BreakerSettings
    let logLevel: Logger.Level
    /// Nil where no traces are collected.
    let traces: TraceSettings?
    /// Files that must be read again when they change.
    let watchedPaths: [String]
}

struct ResponderSettings {
    let listen: SocketAddress
    let gateListen: SocketAddress
    /// Event loops, each a thread.
    let loops: Int
    let requestTimeout: Duration
    /// How long a request may wait before the loop begins it.
    let queueTimeout: Duration
}

struct DatabaseSettings {
    /// It may hold a password.
    let url: SecretText
    /// The file that holds it, if there is one.
    let urlFile: String?
    /// Where invalidations are received; nil for `url`.
    let subscriberURL: SecretText?
    let subscriberURLFile: String?
    let timeout: Duration
    let access: AccessOptions
}

struct CacheSettings {
    let url: CacheURL
    let prefix: String
    let timeout: Duration
}

struct BreakerSettings {
    let failures: Int
    /// The longest time that a circuit stays open.
    let open: Duration
}

struct TraceSettings {
    /// Where batches of spans are posted.
    let url: String
    let sampler: Sampler
    /// What the operator says about this service.
    let attributes: [ResourceAttribute]
}
