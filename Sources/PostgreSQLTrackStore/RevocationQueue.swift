import Resilience
public import StreamIssuing

/// Objects whose tag in the store may be wrong, from the table `novatune.revocations`, one at a time.
///
/// A claim is a transaction that stays open while the store is called. Its end by any means, that of the process
/// included, gives the rows back immediately. Not thread-safe; several may take from one table.
public final class RevocationQueue {
    /// An object that this queue alone works on.
    public struct Claim: Sendable {
        public let objectKey: SecretText
        /// What its tag must say by the tracks as they are now. The rows may have asked for something else.
        public let mustBeRevoked: Bool
        /// Since the oldest of its rows.
        public let age: Duration
        /// As `refuse` has noted them.
        public let attempts: Int
        /// Of its rows, as an array of PostgreSQL.
        fileprivate let positions: String
    }

    private let targets: ConnectionTargets
    private let timeout: Duration
    private var connection: PostgreSQLConnection?

    /// - Parameters:
    ///   - conninfo: what `PostgreSQLTrackStore.isValid(conninfo:)` accepts. The primary is chosen.
    ///   - timeout: for connecting and for each answer.
    public init(conninfo: any ConnectionStringSource, timeout: Duration) {
        targets = ConnectionTargets(
            conninfo, applicationName: "novatune-streamd revoke", overriding: ["target_session_attrs": "read-write"])
        self.timeout = timeout
    }

    public enum Next: Sendable {
        case claimed(Claim)
        /// Other queues work on the objects that are next: ask again in a moment.
        case busy
        /// Nothing is due.
        case none
    }

    /// How many objects that other queues work on are passed over in search of the next one.
    private static let busyLimit = 16

    /// Revocations come first.
    public func next() throws(Unavailable) -> Next {
        try perform { (session) throws(PostgreSQLError) in
            // An object is busy while rows of it are due that were committed after another queue had claimed it.
            var busy: [Int64] = []
            for action in ["revoke", "restore"] {
                search: while busy.count < Self.busyLimit {
                    switch try Self.next(action, except: busy, session) {
                    case .claimed(let claim): return .claimed(claim)
                    case .busy(let lock): busy.append(lock)
                    case .none: break search
                    }
                }
            }
            return busy.isEmpty ? .none : .busy
        }
    }

    /// The store has the right tag.
    public func finish(_ claim: Claim) throws(Unavailable) {
        try perform { (session) throws(PostgreSQLError) in
            try session.run("delete from novatune.revocations where position = any ($1::bigint[])", claim.positions)
            try session.run("commit")
        }
    }

    /// The store has not taken the change of this object: it is due again after a while, behind the others.
    /// - Parameters:
    ///   - code: a word.
    ///   - attempts: what the next claim has.
    public func refuse(
        _ claim: Claim, code: String, attempts: Int, until wait: Duration
    ) throws(Unavailable) {
        try perform { (session) throws(PostgreSQLError) in
            try session.run(
                """
                update novatune.revocations set failure = $2, attempts = $3::integer,
                due_at = clock_timestamp() + $4::bigint * interval '1 millisecond' where position = any ($1::bigint[])
                """, claim.positions, code, "\(attempts)", "\(wait.roundedUpMilliseconds)")
            try session.run("commit")
        }
    }

    /// The class of advisory locks on objects: "nova" in ASCII.
    private static let lockClass = 1_853_781_601

    private enum Candidate {
        case claimed(Claim)
        /// Another queue has this lock.
        case busy(Int64)
        case none
    }

    /// - Parameter busy: locks whose objects are passed over.
    private static func next(
        _ action: String, except busy: [Int64], _ session: Session
    ) throws(PostgreSQLError) -> Candidate {
        try session.run("begin")
        let due = try session.run(
            """
            select object_key, hashtext(object_key)::bigint from novatune.revocations
            where action = $1::novatune.revocation_action and due_at <= now()
            and hashtext(object_key) <> all ($2::integer[])
            order by due_at, position limit 1 for update skip locked
            """, action, "{\(busy.map(String.init).joined(separator: ","))}")
        guard due.rowCount == 1 else {
            try session.run("commit")
            return .none
        }
        let key = try due.text(0), number = try due.integer(1)
        // Rows of one object that were committed at different times may be claimed apart. What the tracks say is read
        // after the lock, in the statement that takes the rows: a change that it does not see has a row of its own.
        let lock = try session.run(
            "select pg_try_advisory_xact_lock(\(lockClass), $1::integer)::int::bigint", "\(number)")
        guard try lock.integer(0) == 1 else {
            try session.run("rollback")
            return .busy(number)
        }
        let rows = try session.run(
            """
            with mine as (
              select position, requested_at, attempts from novatune.revocations where object_key = $1
              for update skip locked)
            select (select array_agg(position)::text from mine),
                   (select (extract(epoch from clock_timestamp() - min(requested_at)) * 1000)::bigint from mine),
                   (select max(attempts)::bigint from mine),
                   (select count(*) from (select from novatune.tracks t
                     where t.object_key = $1 and t.status = 'Ready' limit 1) as ready)
            """, key)
        return .claimed(
            Claim(
                objectKey: SecretText(key), mustBeRevoked: try rows.integer(3) == 0,
                age: .milliseconds(max(0, try rows.integer(1))), attempts: Int(clamping: try rows.integer(2)),
                positions: try rows.text(0)))
    }

    /// A connection, with the time that each of its answers may take.
    private struct Session {
        let connection: PostgreSQLConnection
        let timeout: Duration

        @discardableResult
        func run(_ statement: String, _ parameters: String...) throws(PostgreSQLError) -> PostgreSQLResult {
            try connection.run(statement, parameters, by: Deadline(after: timeout))
        }
    }

    /// After any error the connection is closed, which ends its transaction.
    @discardableResult
    private func perform<Result>(_ body: (Session) throws(PostgreSQLError) -> Result) throws(Unavailable) -> Result {
        do throws(PostgreSQLError) {
            let connection: PostgreSQLConnection
            if let known = self.connection { connection = known } else { connection = try connect() }
            self.connection = connection
            return try body(Session(connection: connection, timeout: timeout))
        } catch {
            connection = nil
            throw SubscribedConnection.unavailable(error, table: RevocationFigures.table)
        }
    }

    private func connect() throws(PostgreSQLError) -> PostgreSQLConnection {
        let limit = timeout.roundedUpMilliseconds
        return try targets.connect(by: Deadline(after: timeout)) { (connection, deadline) throws(PostgreSQLError) in
            // A commit that a crash of the server loses is done once more.
            try connection.execute(
                "set statement_timeout = \(limit); set synchronous_commit = off", by: deadline)
        }
    }
}
