/// How the access query is asked.
public struct AccessOptions: Sendable, Equatable {
    public let statements: StatementNaming
    public let replicaLag: ReplicaLagLimit

    public init(statements: StatementNaming = .named, replicaLag: ReplicaLagLimit = .off) {
        self.statements = statements
        self.replicaLag = replicaLag
    }

    var queries: AccessQueries { replicaLag.maximum == nil ? .plain : .withReplicaLag }
}

/// Whether sessions keep anything between queries.
public enum StatementNaming: String, Sendable, CaseIterable {
    /// A session prepares the query once, and sets its time limit.
    case named
    /// Each query carries its text, and the session is left as it is: for poolers that pool transactions.
    case unnamed
}

/// How far a standby may be behind its primary.
public struct ReplicaLagLimit: Sendable, Equatable {
    /// Nil where any lag will do.
    public let maximum: Duration?

    public static let off = ReplicaLagLimit(maximum: nil)

    public init(maximum: Duration?) { self.maximum = maximum }

    /// - Parameter milliseconds: the lag; nil where the standby does not know it.
    func check(_ milliseconds: Int64?) throws(PostgreSQLError) {
        guard let maximum else { return }
        guard let milliseconds, .milliseconds(milliseconds) <= maximum else {
            throw PostgreSQLError(code: .lagging(milliseconds: milliseconds, limit: maximum))
        }
    }
}
