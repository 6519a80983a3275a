-- Deploy novatune:responder_privileges to pg
-- requires: responder_role
-- requires: users
-- requires: tracks
-- requires: track_grants

begin;

grant usage on schema novatune to novatune_responder;

-- The columns of the responder's one query (tests/responder_query.sql), no more.
grant select (user_id, status, session_epoch, tokens_valid_after)
    on novatune.users to novatune_responder;
grant select (track_id, user_id, object_key, mime_type, file_size_bytes, status, version)
    on novatune.tracks to novatune_responder;
grant select (track_id, grantee_id, expires_at)
    on novatune.track_grants to novatune_responder;

commit;
