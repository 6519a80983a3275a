/// What a request or an entry costs. CPU is in microseconds of one core of the machine that measured it; the article
/// Capacity has the command of each figure.
struct CapacityCosts: Equatable {
    /// Of a request: one whose URL comes from the cache, or one whose URL is signed after a HEAD.
    struct Request: Equatable {
        var nginx: Double
        var responder: Double
        var database: Double
        var cache: Double
    }

    var hit: Request
    var miss: Request
    /// Memory of the cache server for an entry and its place in the user's index.
    var cacheEntryBytes: Double

    static let measured = CapacityCosts(
        hit: Request(nginx: 39, responder: 43, database: 28, cache: 6),
        miss: Request(nginx: 73, responder: 193, database: 45, cache: 28),
        cacheEntryBytes: 1300)

    /// Of nginx for a handshake: a full one, or one that resumes a session. They depend on the processor's cryptography more
    /// than on its speed, so `--core-speed` does not change them.
    static let fullHandshake: Double = 450
    static let resumedHandshake: Double = 380

    /// How long an entry is kept: `NOVATUNE_PRESIGN_EXPIRY` less `NOVATUNE_CACHE_TTL_BUFFER`, by their defaults.
    static let entrySeconds: Double = 90
    /// How long an object that was found is not looked for again, and how many each responder remembers.
    static let verifiedSeconds: Double = 600
    static let verifiedObjects = 100_000
    /// Connections of a responder to the database beside one for each loop, always and for moments (sql/README.md).
    static let furtherConnections = 2
    static let briefConnections = 4
    /// What a user may ask for each second, in the long run: `NOVATUNE_RATE_LIMIT_PER_MINUTE`, by its default.
    static let requestsPerUser: Double = 1
}
