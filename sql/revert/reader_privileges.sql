-- Revert novatune:reader_privileges from pg

begin;

drop view novatune.status_history;
revoke select (user_id, status, created_at, updated_at) on novatune.users from novatune_reader;
revoke select (track_id, user_id, status, version, created_at, updated_at, deleted_at, scheduled_deletion_at, status_before_deletion)
    on novatune.tracks from novatune_reader;
revoke select (track_id, grantee_id, expires_at, created_at) on novatune.track_grants from novatune_reader;
revoke usage on schema novatune from novatune_reader;

commit;
