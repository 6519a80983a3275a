public import OperatorSettings

/// Settings of the cache.
public enum CacheSetting {
    public static let url = Setting<CacheURL>(
        "NOVATUNE_CACHE_URL", default: .memory(.init()), shownDefault: "memory:", handling: .secret,
        isReloadable: true,
        "memory:, memory:?entries=N&bytes=N, redis://user:password@host:port/db, rediss://… for TLS, redis+sentinel://host,host/master/db, redis+cluster://host,host or unix:/path; a reload takes another user or password"
    ) { (text) throws(InvalidValue) in
        do throws(CacheURLError) {
            return try CacheURL(text)
        } catch {
            throw InvalidValue(error.description)
        }
    }
    public static let certificateAuthorities = Setting.text(
        "NOVATUNE_CACHE_CA_FILE", shownDefault: "the machine's authorities", isReloadable: true,
        "PEM file to verify a rediss:// server against")
    public static let clientCertificate = Setting.text(
        "NOVATUNE_CACHE_CLIENT_CERTIFICATE_FILE", isReloadable: true,
        "PEM file with this service's certificate and its chain, for a rediss:// server that requires one")
    public static let clientKey = Setting.text(
        "NOVATUNE_CACHE_CLIENT_KEY_FILE", isReloadable: true,
        "PEM file with the private key of that certificate, not encrypted")
    public static let prefix = Setting<String>(
        "NOVATUNE_CACHE_PREFIX", default: "stream", shownDefault: "stream", "first part of each cache key"
    ) { (text) throws(InvalidValue) in
        let isPlain = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ":") }
        guard isPlain, (1...64).contains(text.utf8.count) else {
            throw InvalidValue("not 1 to 64 printable characters without colon and space")
        }
        return text
    }
    public static let timeout = Setting.duration(
        "NOVATUNE_CACHE_TIMEOUT", .milliseconds(10) ... .seconds(60), default: .milliseconds(500),
        "a read or write; never tried twice")
    public static let copies = Setting.number(
        "NOVATUNE_CACHE_COPIES", 0...10_000_000, default: 0,
        "entries kept in this process too, in front of a cache server; 0 for none")
    public static let ttlBuffer = Setting.duration(
        "NOVATUNE_CACHE_TTL_BUFFER", .zero ... .seconds(7 * 86_400), default: .seconds(30),
        "a URL leaves the cache this long before it expires; less than NOVATUNE_PRESIGN_EXPIRY")

    /// What is needed to reach a cache.
    public static let connection = [
        url.declaration, certificateAuthorities.declaration, clientCertificate.declaration, clientKey.declaration,
        prefix.declaration, timeout.declaration,
    ]

    public static let group = SettingGroup("Cache", connection + [copies.declaration, ttlBuffer.declaration])
}
