/// The one query of the product: what the database says about one user and one track, by primary keys.
///
/// One row where the user exists, none where not. Its last column is the end of the user's access to the track: null for no access.
///
/// `novatune_responder` may select exactly these columns.
enum AccessQuery {
    static let name = "stream_access"
    static let staticName: StaticString = "stream_access"

    static let text = """
        select u.status::text, u.session_epoch, u.tokens_valid_after,
               t.user_id::text, t.status::text, t.version, t.object_key, t.mime_type, t.file_size_bytes,
               case when t.user_id = u.user_id then 'infinity'::timestamptz else (
                 select coalesce(g.expires_at, 'infinity'::timestamptz) from novatune.track_grants g
                 where g.track_id = t.track_id and g.grantee_id = u.user_id and (g.expires_at is null or g.expires_at > now())) end
        from novatune.users u left join novatune.tracks t on t.track_id = $2
        where u.user_id = $1
        """
}
