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
        /// The server answered with an error (PostgreSQL manual, appendix A).
        case sql(state: String)
        /// A row that the query cannot have produced: the schema differs.
        case unexpectedRow(column: Int32)
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

    /// For `connect`: libpq's message, which names host, port, role and database. It never names a password, unless libpq takes it for
    /// one of these (`ConnectionTargets.isValid`).
    let message: String

    /// Whether another connection could succeed: this one broke, the server is shutting down, restarting or changing roles, or this
    /// connection's prepared statement is no longer right (a column got another type: 0A000) or no longer there (26000).
    var isWorthAnotherConnection: Bool {
        switch code {
        case .connect, .lost, .timeout: true
        case .sql(let state): state.hasPrefix("08") || state.hasPrefix("57P") || ["25006", "0A000", "26000"].contains(state)
        case .unexpectedRow: false
        }
    }

    var unavailable: Unavailable {
        switch code {
        case .connect: Unavailable(.database, code: "connect", reason: message.isEmpty ? "cannot connect" : message)
        case .lost: Unavailable(.database, code: "lost", reason: "the connection was lost")
        case .timeout: Unavailable(.database, code: "timeout", reason: "no answer in time")
        case .sql(let state): Unavailable(.database, code: "sql_\(state)", reason: Self.advice(state))
        case .unexpectedRow(let column):
            Unavailable(.database, code: "unexpected_row", reason: "column \(column) is not of the expected type; is sql/ deployed?")
        }
    }

    private static func advice(_ state: String) -> String {
        switch state {
        case "42501": "the role may not run the query; is it a member of novatune_responder?"
        case "3F000", "42P01", "42703": "the schema is missing or old; deploy sql/"
        default: "the query failed with SQLSTATE \(state)"
        }
    }
}
