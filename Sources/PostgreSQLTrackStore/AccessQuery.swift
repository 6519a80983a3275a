import StreamIssuing

/// The one query of the product: what the database says about one user and one track, by primary keys. It names the
/// object of one part of the track.
///
/// The column `accessExpiresAt` is the end of the user's access to the track: null for no access.
///
/// `novatune_responder` may select exactly these columns.
struct AccessQuery: Sendable {
    /// Of the prepared statement. It differs where the text differs: a pooler may hand over a server connection on
    /// which another version of the program has prepared its own query.
    let name: String
    let text: String
    let parameterCount: Int32

    static let accessExpiresAt: Int32 = 9
    static let replicaLag: Int32 = 10

    /// Key, MIME type and size.
    private static func object(_ part: TrackPart) -> String {
        switch part {
        case .audio: "t.object_key, t.mime_type, t.file_size_bytes"
        case .waveform: "t.waveform_object_key, 'application/json'::text, 0::bigint"
        }
    }

    fileprivate static func columns(_ part: TrackPart) -> String {
        """
        u.status::text, u.session_epoch, u.tokens_valid_after,
               t.user_id::text, t.status::text, t.version, \(object(part)),
               case when t.user_id = u.user_id then 'infinity'::timestamptz else (
                 select coalesce(g.expires_at, 'infinity'::timestamptz) from novatune.track_grants g
                 where g.track_id = t.track_id and g.grantee_id = u.user_id and (g.expires_at is null or g.expires_at > now())) end
        """
    }

    init(_ text: String, parameterCount: Int32) {
        self.text = text
        self.parameterCount = parameterCount
        name = "stream_access_\(String(Self.digest(text), radix: 16))"
    }

    /// FNV-1a: the same in each process, unlike Swift's own hash.
    private static func digest(_ text: String) -> UInt64 {
        text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}

/// The query in its forms, which differ in how the user is named and in the part of the track.
struct AccessQueries: Sendable {
    /// Parameters: user, track.
    let byID: AccessQuery
    /// Parameters: issuer, subject, track. Its last column is the user's ULID.
    let byIdentity: AccessQuery
    let waveformByID: AccessQuery
    let waveformByIdentity: AccessQuery

    private init(byID: (_ columns: String) -> String, byIdentity: (_ columns: String) -> String) {
        self.byID = AccessQuery(byID(AccessQuery.columns(.audio)), parameterCount: 2)
        self.byIdentity = AccessQuery(byIdentity(AccessQuery.columns(.audio)), parameterCount: 3)
        waveformByID = AccessQuery(byID(AccessQuery.columns(.waveform)), parameterCount: 2)
        waveformByIdentity = AccessQuery(byIdentity(AccessQuery.columns(.waveform)), parameterCount: 3)
    }

    /// The column of the user's ULID; one later where the lag precedes it.
    static func userID(_ limit: ReplicaLagLimit) -> Int32 {
        limit.maximum == nil ? AccessQuery.replicaLag : AccessQuery.replicaLag + 1
    }

    /// One row where the user exists, none where not.
    static let plain = AccessQueries(
        byID: { columns in
            """
            select \(columns)
            from novatune.users u left join novatune.tracks t on t.track_id = $2
            where u.user_id = $1
            """
        },
        byIdentity: { columns in
            """
            select \(columns),
                   u.user_id::text
            from novatune.user_identities i
            join novatune.users u on u.user_id = i.user_id
            left join novatune.tracks t on t.track_id = $3
            where i.issuer = $1 and i.subject = $2
            """
        })

    /// Always one row, which begins with nulls where the user does not exist. Its column 10 is the server's lag.
    static let withReplicaLag = AccessQueries(
        byID: { columns in
            """
            select \(columns),
                   \(ReplicaLag.milliseconds)
            from (select 1) server
            left join novatune.users u on u.user_id = $1
            left join novatune.tracks t on t.track_id = $2
            """
        },
        byIdentity: { columns in
            """
            select \(columns),
                   \(ReplicaLag.milliseconds),
                   u.user_id::text
            from (select 1) server
            left join novatune.user_identities i on i.issuer = $1 and i.subject = $2
            left join novatune.users u on u.user_id = i.user_id
            left join novatune.tracks t on t.track_id = $3
            """
        })
}
