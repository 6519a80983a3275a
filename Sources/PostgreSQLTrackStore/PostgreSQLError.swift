import OperatorSettings
import StreamIssuing

/// A failed call to PostgreSQL.
///
/// Holds no text of the server except its five-character SQLSTATE: messages may quote a row.
struct PostgreSQLError: Error, Sendable, Equatable {
    enum Code: Sendable, Equatable {
        /// Connecting failed because of the address, the credentials or the server.
        case connect
        /// The connection broke.
        case lost
        case timeout
        /// The connection was accepted, and nothing was answered on it in time: a pooler lets connections wait so.
        case unserved
        /// The server answered with an error (PostgreSQL manual, appendix A).
        case sql(state: String)
        /// A row that the query cannot have produced: the schema differs.
        case unexpectedRow(column: Int32)
        /// The standby is too far behind its primary, or does not know how far (nil).
        case lagging(milliseconds: Int64?, limit: Duration)
    }

    let code: Code

    init(code: Code, message: String = "") {
        self.code = code
        self.message = message
    }

    /// The server's own time limit equals ours and counts as ours: 57014 is "query_canceled".
    init(sqlState: String) {
        self.init(code: sqlState == "57014" ? .timeout : .sql(state: sqlState))
    }

    /// For `connect`: libpq's message, which names host, port, role and database. It never names a password, unless
    /// libpq takes it for one of these (`ConnectionString`).
    let message: String

    /// Whether another connection could succeed: this one broke, the server is shutting down, restarting or changing
    /// roles, another server may be less far behind, or this connection's prepared statement is no longer right (a
    /// column got another type: 0A000).
    var isWorthAnotherConnection: Bool {
        switch code {
        case .connect, .lost, .timeout, .unserved, .lagging: true
        case .sql(let state):
            state.hasPrefix("08") || state.hasPrefix("57P") || ["25006", "0A000"].contains(state)
        case .unexpectedRow: false
        }
    }

    /// Whether the session lacks the prepared statement, or has one of that name already: a pooler has given the
    /// client another server connection.
    var isAboutStatementName: Bool {
        if case .sql(let state) = code { ["26000", "42P05"].contains(state) } else { false }
    }

    /// Whether the session's role may not read what the query names, or the schema has no such table.
    var isAboutPrivilegesOrSchema: Bool {
        if case .sql(let state) = code { ["42501", "42P01"].contains(state) } else { false }
    }

    /// Whether the schema has no such column.
    var isAboutMissingColumn: Bool { code == .sql(state: "42703") }

    /// Whether only waveforms are affected: the change `waveforms` is not deployed. The server is well, so this must
    /// not open the breaker for audio, whose own questions show where its columns are missing.
    func isLackOfWaveforms(for part: TrackPart) -> Bool {
        part == .waveform && (isAboutPrivilegesOrSchema || isAboutMissingColumn)
    }

    /// Whether only users who are named by identities are affected: the change `user_identities` is not deployed. The
    /// server is well, so this must not open the breaker for all other users.
    func isLackOfIdentities(for user: UserReference) -> Bool {
        if case .identity = user { isAboutPrivilegesOrSchema } else { false }
    }

    var unavailable: Unavailable {
        switch code {
        case .connect: Unavailable(.database, code: "connect", reason: message.isEmpty ? "cannot connect" : message)
        case .lost: Unavailable(.database, code: "lost", reason: "the connection was lost")
        case .timeout: Unavailable(.database, code: "timeout", reason: "no answer in time")
        case .unserved: Unavailable(.database, code: "timeout", reason: Self.poolAdvice)
        case .sql(let state): Unavailable(.database, code: "sql_\(state)", reason: Self.advice(state))
        case .unexpectedRow(let column):
            Unavailable(
                .database, code: "unexpected_row",
                reason: "column \(column) is not of the expected type; is sql/ deployed?")
        case .lagging(let milliseconds, let limit):
            Unavailable(.database, code: "replica_lag", reason: Self.lag(milliseconds, limit))
        }
    }

    private static let poolAdvice = """
        it accepted the connection and answered nothing on it in time; a pooler lets connections wait so while its pool is \
        too small: a pool of sessions needs NOVATUNE_LOOPS + 3 for each responder
        """

    private static func lag(_ milliseconds: Int64?, _ limit: Duration) -> String {
        let limit = DurationText.text(limit)
        guard let milliseconds else {
            return "the standby does not know how far it is behind; NOVATUNE_DATABASE_REPLICA_LAG allows \(limit)"
        }
        let lag = DurationText.text(
            milliseconds < 10_000 ? .milliseconds(milliseconds) : .seconds(milliseconds / 1000))
        return "the standby is \(lag) behind its primary; NOVATUNE_DATABASE_REPLICA_LAG allows \(limit)"
    }

    private static func advice(_ state: String) -> String {
        switch state {
        case "42501": "the role may not run the query; is it a member of novatune_responder?"
        case "3F000", "42P01", "42703":
            "the schema is missing or old; deploy sql/, of which this version wants the change \(SchemaDifference.wanted): \(SchemaDifference.remedy)"
        default: "the query failed with SQLSTATE \(state)"
        }
    }
}
