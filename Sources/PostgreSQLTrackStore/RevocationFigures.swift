import Resilience
import StreamIssuing

/// How much waits in the table `novatune.revocations`.
public struct RevocationFigures: Sendable, Equatable {
    /// False where triggers record nothing: `settings.record_revocations`.
    public let areRecorded: Bool
    /// Rows, of which no more than `countLimit` are counted.
    public let waiting: Int
    /// Since the oldest row that asks for a revocation, and for a restoration; nil where there is none.
    public let oldestRevocation: Duration?
    public let oldestRestoration: Duration?

    public static let countLimit = 100_000
    static let table = "novatune.revocations"

    static func read(_ connection: PostgreSQLConnection, by deadline: Deadline) throws(PostgreSQLError)
        -> RevocationFigures
    {
        let row = try connection.run(
            """
            select (select s.record_revocations::int::bigint from novatune.settings s),
                   (select count(*) from (select from novatune.revocations limit \(countLimit)) as counted),
                   \(age("revoke")), \(age("restore"))
            """, by: deadline)
        return RevocationFigures(
            areRecorded: try row.integer(0) == 1, waiting: Int(try row.integer(1)),
            oldestRevocation: try milliseconds(row, 2), oldestRestoration: try milliseconds(row, 3))
    }

    /// The order of the positions is that of time. `revocations_age_idx` has it.
    private static func age(_ action: String) -> String {
        """
        (select (extract(epoch from clock_timestamp() - r.requested_at) * 1000)::bigint from novatune.revocations r
        where r.action = '\(action)' order by r.position limit 1)
        """
    }

    private static func milliseconds(_ row: PostgreSQLResult, _ column: Int32) throws(PostgreSQLError) -> Duration? {
        row.isNull(column) ? nil : .milliseconds(max(0, try row.integer(column)))
    }
}
