/// How far a standby is behind its primary, as the standby itself can know it (PostgreSQL manual, "Recovery Information
/// Functions").
enum ReplicaLag {
    /// A `bigint`: 0 on a primary, null where a standby has replayed nothing yet.
    ///
    /// A standby that has replayed all it has received is up to date only while it receives: without a WAL receiver its
    /// age counts from the last transaction.
    static let milliseconds = """
        case when not pg_catalog.pg_is_in_recovery() then 0
             when pg_catalog.pg_last_wal_receive_lsn() <= pg_catalog.pg_last_wal_replay_lsn()
                  and exists (select from pg_catalog.pg_stat_wal_receiver) then 0
             else (extract(epoch from
                  pg_catalog.clock_timestamp() - pg_catalog.pg_last_xact_replay_timestamp()) * 1000)::bigint end
        """

    /// Null on a primary as well.
    static let measurement = "select case when pg_catalog.pg_is_in_recovery() then \(milliseconds) end"
}
