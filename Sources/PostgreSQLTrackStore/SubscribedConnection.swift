import Resilience
import StreamIssuing

/// A connection to the primary that listens to one channel and is made again after an error. Not thread-safe.
///
/// A lost notification costs a moment: what it is about is looked at in any case.
final class SubscribedConnection {
    private let channel: String
    private let table: String
    private let targets: ConnectionTargets
    private let timeout: Duration
    private let stop: StopSignal
    private var connection: PostgreSQLConnection?
    /// Connections that were made: what was read on a former one may be of another server.
    private(set) var generation = 0

    /// - Parameters:
    ///   - conninfo: what `PostgreSQLTrackStore.isValid(conninfo:)` accepts. The primary is chosen: a standby does not
    ///     support LISTEN.
    ///   - command: of the program, for the server's list of sessions.
    ///   - table: that is looked at, for advice where the role or the schema is wrong.
    ///   - timeout: for connecting and for each answer.
    ///   - stop: ends a wait.
    init(
        conninfo: any ConnectionStringSource, command: String, channel: String, table: String, timeout: Duration,
        stop: StopSignal
    ) {
        targets = ConnectionTargets(
            conninfo, applicationName: "novatune-streamd \(command)", keepalive: .ofSubscriber,
            overriding: ["target_session_attrs": "primary"])
        self.channel = channel
        self.table = table
        self.timeout = timeout
        self.stop = stop
    }

    /// Waits for a notification.
    /// - Returns: whether one came, before `deadline` and the signal to stop.
    func wait(until deadline: ContinuousClock.Instant) throws(Unavailable) -> Bool {
        try perform { (connection, _) throws(PostgreSQLError) in
            try connection.notification(by: Deadline(at: deadline), stop) != nil
        }
    }

    /// Connects where there is no connection. After an error it is closed.
    func perform<Result>(
        _ body: (PostgreSQLConnection, Deadline) throws(PostgreSQLError) -> Result
    ) throws(Unavailable) -> Result {
        do throws(PostgreSQLError) {
            let connection: PostgreSQLConnection
            if let known = self.connection { connection = known } else { connection = try connect() }
            self.connection = connection
            return try body(connection, Deadline(after: timeout))
        } catch {
            connection = nil
            throw Self.unavailable(error, table: table)
        }
    }

    private func connect() throws(PostgreSQLError) -> PostgreSQLConnection {
        generation += 1
        return try targets.connect(by: Deadline(after: timeout)) { (connection, deadline) throws(PostgreSQLError) in
            try connection.execute("listen \(channel)", by: deadline)
        }
    }

    /// With advice for this process's role and change of the schema.
    static func unavailable(_ error: PostgreSQLError, table: String) -> Unavailable {
        guard case .sql(let state) = error.code, ["42501", "42P01", "42703", "42704", "3F000"].contains(state) else {
            return error.unavailable
        }
        let role = table == "novatune.revocations" ? "novatune_revoker" : "novatune_authorizer"
        return Unavailable(
            .database, code: "sql_\(state)",
            reason: state == "42501"
                ? "the role may not read \(table); is it \(role), or a member?"
                : "the schema has no \(table); deploy sql/ of this version")
    }
}
