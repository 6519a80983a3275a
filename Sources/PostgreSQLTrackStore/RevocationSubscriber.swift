public import Resilience
public import StreamIssuing

/// Waits for the notifications that triggers send when they have recorded a revocation, and reads how much waits, on a
/// connection of its own.
///
/// A lost notification costs a moment: the table is looked at in any case. Not thread-safe.
public final class RevocationSubscriber {
    private static let channel = "novatune_revocation"

    private let targets: ConnectionTargets
    private let timeout: Duration
    private let stop: StopSignal
    private var connection: PostgreSQLConnection?

    /// - Parameters:
    ///   - conninfo: what `PostgreSQLTrackStore.isValid(conninfo:)` accepts. The primary is chosen: a standby does not
    ///     support LISTEN.
    ///   - timeout: for connecting and for each answer.
    ///   - stop: ends a wait.
    public init(conninfo: any ConnectionStringSource, timeout: Duration, stop: StopSignal) {
        targets = ConnectionTargets(
            conninfo, applicationName: "novatune-streamd revoke", keepalive: .ofSubscriber,
            overriding: ["target_session_attrs": "primary"])
        self.timeout = timeout
        self.stop = stop
    }

    /// Waits for a notification.
    /// - Returns: whether one came, before `deadline` and the signal to stop.
    public func wait(until deadline: ContinuousClock.Instant) throws(Unavailable) -> Bool {
        try perform { (connection) throws(PostgreSQLError) in
            try connection.notification(by: Deadline(at: deadline), stop) != nil
        }
    }

    public func figures() throws(Unavailable) -> RevocationFigures {
        try perform { (connection) throws(PostgreSQLError) in
            try RevocationFigures.read(connection, by: Deadline(after: timeout))
        }
    }

    private func perform<Result>(
        _ body: (PostgreSQLConnection) throws(PostgreSQLError) -> Result
    ) throws(Unavailable) -> Result {
        do throws(PostgreSQLError) {
            let connection: PostgreSQLConnection
            if let known = self.connection { connection = known } else { connection = try connect() }
            self.connection = connection
            return try body(connection)
        } catch {
            connection = nil
            throw RevocationFigures.unavailable(error)
        }
    }

    private func connect() throws(PostgreSQLError) -> PostgreSQLConnection {
        try targets.connect(by: Deadline(after: timeout)) { (connection, deadline) throws(PostgreSQLError) in
            try connection.execute("listen \(Self.channel)", by: deadline)
        }
    }
}
