-- Revert novatune:history_triggers from pg

begin;

drop trigger users_record_change on novatune.users;
drop trigger tracks_record_change on novatune.tracks;
drop trigger track_grants_record_change on novatune.track_grants;
drop function novatune.record_user_change();
drop function novatune.record_track_change();
drop function novatune.record_grant_change();

commit;
