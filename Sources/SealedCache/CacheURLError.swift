import OperatorSettings

/// Why a cache URL is refused.
public struct CacheURLError: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }

    static let unknownForm = CacheURLError("not memory:, redis://host:port/db, rediss://host:port/db or unix:/path")

    /// Schemes that other clients know have an explanation.
    static func unknownScheme(_ scheme: Substring) -> CacheURLError {
        switch scheme {
        case "redis-sentinel", "rediss-sentinel", "sentinel", "sentinels":
            CacheURLError("write redis+sentinel://host:port,host:port/master-name/db")
        case "redis-cluster", "rediss-cluster", "valkey-cluster", "rediscluster":
            CacheURLError("write redis+cluster://host:port,host:port, or rediss+cluster:// for TLS")
        case "redis+socket", "redis-socket", "valkey+socket", "redis+unix":
            CacheURLError("write unix:/path for a unix socket")
        case "redis+tls", "redis+ssl", "tls", "ssl": CacheURLError("write rediss:// for a server that speaks TLS")
        case "http", "https": CacheURLError("http is not spoken; write the server's redis:// or rediss:// address")
        default: unknownForm
        }
    }

    /// - Parameter name: of a query parameter. Those of other clients have an explanation.
    static func unknownParameter(_ name: Substring) -> CacheURLError {
        switch name {
        case "timeout", "socket_timeout", "socket_connect_timeout", "connect_timeout", "read_timeout":
            CacheURLError("after ? a timeout is not known; set \(CacheSetting.timeout.name)")
        case "ssl_cert_reqs", "ssl_check_hostname", "skip_verify", "tls_insecure", "insecure":
            CacheURLError(
                "certificates are always verified; \(CacheSetting.certificateAuthorities.name) names a private authority"
            )
        case "ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "cacert", "cert", "key":
            CacheURLError(
                "files are named by \(CacheSetting.certificateAuthorities.name), "
                    + "\(CacheSetting.clientCertificate.name) and \(CacheSetting.clientKey.name)")
        case "username", "user", "password":
            CacheURLError("write user and password before the host: user:password@host")
        default: CacheURLError("after ? only db=NUMBER and protocol=2 or 3 are known")
        }
    }
}
