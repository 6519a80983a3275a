-- Revert novatune:track_functions from pg

begin;

drop function novatune.mark_ready(novatune.ulid, text, text, bigint);
drop function novatune.restore_track(novatune.ulid, text);
drop function novatune.delete_track(novatune.ulid, text);
drop function novatune.track_status_of(novatune.ulid);

commit;
