-- Revert novatune:revocations from pg

begin;

set local lock_timeout = '2s';

drop trigger tracks_record_deleted on novatune.tracks;
drop trigger tracks_record_updated on novatune.tracks;
drop trigger tracks_record_inserted on novatune.tracks;
drop function novatune.record_revocations();
drop trigger settings_record_deleted_tracks on novatune.settings;
drop function novatune.record_deleted_tracks();
alter table novatune.settings drop column record_revocations;
drop table novatune.revocations;
drop type novatune.revocation_action;

commit;
