import Resilience
public import StreamIssuing

/// The tracks that were deleted, for trying whether the store refuses their objects; no request needs them.
public enum DeletedTracks {
    /// The primary key gives the newest tracks; older ones are not looked through.
    private static let query = """
        select n.object_key from (
          select t.track_id, t.object_key, t.status from novatune.tracks t order by t.track_id desc limit 10000) as n
        where n.status = 'Deleted'
          and not exists (select from novatune.tracks o where o.object_key = n.object_key and o.status = 'Ready')
        order by n.track_id desc offset $1::bigint limit 1
        """

    /// - Returns: fewer than `count` where there are no more; nil where the database records no revocation.
    /// - Parameters: as of `ReadyTracks.newestObjects`.
    public static func newestObjects(_ count: Int, conninfo: any ConnectionStringSource, timeout: Duration)
        throws(Unavailable) -> [SecretText]?
    {
        let deadline = Deadline(after: timeout)
        do throws(PostgreSQLError) {
            let connection = try ConnectionTargets(conninfo).connect(by: deadline) { _, _ in }
            guard try areRecorded(connection, by: deadline) else { return nil }
            var keys: [SecretText] = []
            while keys.count < count {
                let row = try connection.run(query, ["\(keys.count)"], by: deadline)
                guard row.rowCount == 1 else { break }
                keys.append(SecretText(try row.text(0)))
            }
            return keys
        } catch {
            throw error.unavailable
        }
    }

    /// A schema without the change `revocations` records none.
    private static func areRecorded(_ connection: PostgreSQLConnection, by deadline: Deadline) throws(PostgreSQLError)
        -> Bool
    {
        do {
            let query = "select s.record_revocations::int::bigint from novatune.settings s"
            return try connection.run(query, by: deadline).integer(0) == 1
        } catch {
            if case .sql(let state) = error.code, ["42501", "42703", "42P01"].contains(state) { return false }
            throw error
        }
    }
}
