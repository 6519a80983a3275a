/// How the database's schema differs from the one that this version comes with. Requests go on: a difference of one version
/// works in both directions, but what an older schema has no place for.
public enum SchemaDifference: Sendable, Equatable, CustomStringConvertible {
    /// The database lacks the change `wanted`.
    case older
    /// The database has changes that this version does not know: their names in the order of their deployment, the first
    /// ones where they are many.
    case newer([String])

    /// The last change of sql/ that the responder's query needs.
    public static let wanted = "waveforms"
    /// The last change of sql/ that there is in this version.
    public static let known = "authorizer_role"
    /// What makes the database have what is wanted.
    static let remedy = "run 'sqitch deploy --verify' in sql/ of this version, or 'novatune-streamd setup'"

    public var description: String {
        switch self {
        case .older: "the database lacks the change \(Self.wanted), which this version wants: \(Self.remedy)"
        case .newer(let changes):
            "the database has changes that this version does not know: \(changes.joined(separator: ", ")). It serves with "
                + "the schema of the next version; install that version"
        }
    }

    /// The schemas of which the role may read what this is decided by: the column that `wanted` has made, and sqitch's list
    /// of deployed changes. The catalog answers it to each role.
    static let readable = """
        select pg_catalog.string_agg(n.nspname, ' ')
        from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where (n.nspname, c.relname, a.attname) in
            (('novatune', 'tracks', 'waveform_object_key'), ('sqitch', 'changes', 'committed_at'))
        and not a.attisdropped and pg_catalog.has_schema_privilege(n.oid, 'usage')
        and pg_catalog.has_column_privilege(c.oid, a.attnum, 'select')
        """
    /// For a role that may read that list. Null where it ends with `known`, or does not have it.
    static let unknown = """
        select pg_catalog.string_agg(change, ' ' order by committed_at)
        from (select change, committed_at from sqitch.changes where project = 'novatune' and committed_at >
            (select pg_catalog.max(committed_at) from sqitch.changes where project = 'novatune' and change = '\(known)')
        order by committed_at limit 8) as newer
        """
}
