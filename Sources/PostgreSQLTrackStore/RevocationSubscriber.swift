public import Resilience
public import StreamIssuing

/// Waits for the notifications that triggers send when they have recorded a revocation, and reads how much waits, on a
/// connection of its own. Not thread-safe.
public final class RevocationSubscriber {
    private let connection: SubscribedConnection

    /// - Parameters: as of `UserRevocationList`.
    public init(conninfo: any ConnectionStringSource, timeout: Duration, stop: StopSignal) {
        connection = SubscribedConnection(
            conninfo: conninfo, command: "revoke", channel: "novatune_revocation", table: RevocationFigures.table,
            timeout: timeout, stop: stop)
    }

    /// Waits for a notification.
    /// - Returns: whether one came, before `deadline` and the signal to stop.
    public func wait(until deadline: ContinuousClock.Instant) throws(Unavailable) -> Bool {
        try connection.wait(until: deadline)
    }

    public func figures() throws(Unavailable) -> RevocationFigures {
        try connection.perform { (connection, deadline) throws(PostgreSQLError) in
            try RevocationFigures.read(connection, by: deadline)
        }
    }
}
