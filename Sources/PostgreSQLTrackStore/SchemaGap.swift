/// What the database lacks of the schema that this version is written for. Requests go on without it, in part.
public struct SchemaGap: Sendable, Equatable, CustomStringConvertible {
    /// The last change of sql/ that the responder's query needs.
    public static let wanted = "waveforms"
    /// What makes the database have it.
    static let remedy = "run 'sqitch deploy --verify' in sql/ of this version, or 'novatune-streamd setup'"

    public var description: String {
        "the database lacks the change \(Self.wanted), which this version wants: \(Self.remedy)"
    }

    /// The catalog answers it to each role. One row where the role may read what the change has made.
    static let question = """
        select count(*) from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'novatune' and c.relname = 'tracks' and a.attname = 'waveform_object_key'
        and not a.attisdropped and pg_catalog.has_column_privilege(c.oid, a.attnum, 'select')
        """
}
