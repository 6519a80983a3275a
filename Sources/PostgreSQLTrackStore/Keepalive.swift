/// How soon a TCP peer that has vanished without a word is noticed, such as behind a NAT that has dropped an idle
/// connection (PostgreSQL manual, "Parameter Key Words"). libpq leaves Unix sockets as they are.
struct Keepalive {
    /// Silence before the first probe, and between probes.
    let idleSeconds, intervalSeconds: Int
    /// Linux gives up a connection by this alone: unacknowledged data, or a probe that was not answered for so long.
    let userTimeoutMilliseconds: Int

    /// An idle connection is replaced within 4 s, before a request needs it. A request on one that was cut a moment ago
    /// is asked again within 1 s (0.95 s were measured).
    static let ofQueries = Keepalive(idleSeconds: 3, intervalSeconds: 1, userTimeoutMilliseconds: 500)
    /// No request waits for it, and a new connection has missed notifications: three probes instead of one.
    static let ofSubscriber = Keepalive(idleSeconds: 3, intervalSeconds: 1, userTimeoutMilliseconds: 6000)

    var settings: [(String, String)] {
        [
            ("keepalives", "1"), ("keepalives_idle", "\(idleSeconds)"), ("keepalives_interval", "\(intervalSeconds)"),
            ("keepalives_count", "3"), ("tcp_user_timeout", "\(userTimeoutMilliseconds)"),
        ]
    }
}
