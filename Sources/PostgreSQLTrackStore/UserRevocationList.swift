public import Resilience
public import StreamIssuing

/// Whose URLs are to be refused.
public struct UserRevocation: Sendable, Equatable {
    public enum Extent: Sendable, Equatable {
        /// All URLs of this session epoch and of earlier ones.
        case sessions(upTo: Int64)
        /// All URLs of one object.
        case object(SecretText)
    }

    /// Of its row.
    public let position: Int64
    /// A ULID's canonical form.
    public let user: String
    public let extent: Extent

    public init(position: Int64, user: String, extent: Extent) {
        self.position = position
        self.user = user
        self.extent = extent
    }
}

/// Reads the table `novatune.user_revocations`, and waits for the notifications of its triggers, on one connection. Not
/// thread-safe.
public final class UserRevocationList {
    public enum Reading: Sendable, Equatable {
        /// Triggers record nothing: `settings.record_user_revocations`.
        case notRecorded
        /// The rows are those of the last reading.
        case unchanged
        case rows([UserRevocation])
        /// More than the limit: they are not read.
        case tooLong
    }

    /// Rows of one statement.
    private static let deletedAtOnce = 10_000

    private let connection: SubscribedConnection
    private let limit: Int64
    /// Of the rows that were read last, and the connection's generation: another server may have used the same positions
    /// for other rows.
    private var known: (digest: String, generation: Int)?

    /// - Parameters:
    ///   - conninfo: what `PostgreSQLTrackStore.isValid(conninfo:)` accepts. The primary is chosen.
    ///   - limit: of the rows, of which one with a long object key counts as more: one for each 128 bytes.
    ///   - timeout: for connecting and for each answer.
    ///   - stop: ends a wait.
    public init(conninfo: any ConnectionStringSource, limit: Int64, timeout: Duration, stop: StopSignal) {
        self.limit = limit
        connection = SubscribedConnection(
            conninfo: conninfo, command: "authorize", channel: "novatune_user_revocation",
            table: "novatune.user_revocations", timeout: timeout, stop: stop)
    }

    /// Waits for a notification.
    /// - Returns: whether one came, before `deadline` and the signal to stop.
    public func wait(until deadline: ContinuousClock.Instant) throws(Unavailable) -> Bool {
        try connection.wait(until: deadline)
    }

    /// Rows are never updated, so their positions tell whether they are the same ones.
    private static let digest = """
        select (select s.record_user_revocations::int::bigint from novatune.settings s),
               count(*) || ' ' || coalesce(sum(hashint8extended(r.position, 0)), 0),
               count(*) + coalesce(sum(octet_length(r.object_key) / 128), 0)
          from novatune.user_revocations r
        """

    /// Reads all rows where they are others than at the last reading.
    public func read() throws(Unavailable) -> Reading {
        let subscribed = connection
        return try subscribed.perform { (connection, deadline) throws(PostgreSQLError) in
            // One snapshot: the digest is that of the rows.
            try connection.execute("begin isolation level repeatable read, read only", by: deadline)
            let reading = try read(connection, subscribed.generation, by: deadline)
            try connection.execute("commit", by: deadline)
            return reading
        }
    }

    private func read(
        _ connection: PostgreSQLConnection, _ generation: Int, by deadline: Deadline
    ) throws(PostgreSQLError) -> Reading {
        let state = try connection.run(Self.digest, by: deadline)
        guard try state.integer(0) == 1 else {
            known = nil
            return .notRecorded
        }
        let digest = try state.text(1)
        if let known, known == (digest, generation) { return .unchanged }
        guard try state.integer(2) <= limit else {
            known = nil
            return .tooLong
        }
        known = (digest, generation)
        return .rows(try rows(connection, by: deadline))
    }

    private func rows(
        _ connection: PostgreSQLConnection, by deadline: Deadline
    ) throws(PostgreSQLError) -> [UserRevocation] {
        let result = try connection.run(
            "select position, user_id, session_epoch, object_key from novatune.user_revocations", by: deadline)
        return try (0..<result.rowCount).map { (row) throws(PostgreSQLError) in
            UserRevocation(
                position: try result.integer(0, row: row), user: try result.text(1, row: row),
                extent: result.isNull(3, row: row)
                    ? .sessions(upTo: try result.integer(2, row: row))
                    : .object(SecretText(try result.text(3, row: row))))
        }
    }

    /// Deletes rows, no URL of which is left, in statements of 10,000.
    /// - Parameter deadline: no statement begins after it. What is left is for the next call.
    public func delete(positions: [Int64], until deadline: ContinuousClock.Instant) throws(Unavailable) {
        var rest = positions[...]
        while !rest.isEmpty, ContinuousClock.now < deadline {
            let some = rest.prefix(Self.deletedAtOnce)
            rest = rest.dropFirst(some.count)
            try connection.perform { (connection, deadline) throws(PostgreSQLError) in
                _ = try connection.run(
                    "delete from novatune.user_revocations where position = any ($1::bigint[])",
                    ["{\(some.map(String.init).joined(separator: ","))}"], by: deadline)
            }
        }
    }
}
