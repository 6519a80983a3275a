-- Deploy novatune:dba_privileges to pg
-- requires: roles
-- requires: settings
-- requires: track_functions
-- requires: user_functions
-- requires: grant_functions

begin;

grant usage on schema novatune to novatune_dba;

grant select, insert, update, delete on novatune.users, novatune.tracks, novatune.track_grants to novatune_dba;
grant select, update on novatune.settings to novatune_dba;
grant select on novatune.history, novatune.history_heads to novatune_dba;

grant execute on function
    novatune.track_status_of(novatune.ulid),
    novatune.delete_track(novatune.ulid, text),
    novatune.restore_track(novatune.ulid, text),
    novatune.mark_ready(novatune.ulid, text, text, bigint),
    novatune.user_status_of(novatune.ulid),
    novatune.suspend_user(novatune.ulid, text),
    novatune.reinstate_user(novatune.ulid, text),
    novatune.logout_all(novatune.ulid, text),
    novatune.grant_access(novatune.ulid, novatune.ulid, timestamptz, novatune.ulid, text),
    novatune.revoke_access(novatune.ulid, novatune.ulid, text),
    -- The second is what the first computes with.
    novatune.find_history_faults(novatune.subject_kind, novatune.ulid),
    novatune.history_hash(novatune.history)
    to novatune_dba;

commit;
