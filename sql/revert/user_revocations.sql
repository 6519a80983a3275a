-- Revert novatune:user_revocations from pg

-- A transaction for each table that requests read: one that held a lock on one of them and waited for another would
-- make a deadlock with a request. What an earlier try has dropped is gone already.

begin;
set local lock_timeout = '2s';
drop trigger if exists track_grants_record_deleted on novatune.track_grants;
drop trigger if exists track_grants_record_updated on novatune.track_grants;
drop trigger if exists track_grants_record_inserted on novatune.track_grants;
commit;

begin;
set local lock_timeout = '2s';
drop trigger if exists tracks_record_owner on novatune.tracks;
drop trigger if exists tracks_record_first_owner on novatune.tracks;
commit;

begin;
set local lock_timeout = '2s';
drop trigger if exists users_record_deleted on novatune.users;
drop trigger if exists users_record_updated on novatune.users;
commit;

begin;
set local lock_timeout = '2s';
drop function novatune.record_access();
drop function novatune.record_ended_sessions();
drop function novatune.notify_user_revocation();
alter table novatune.settings drop column record_user_revocations;
drop table novatune.user_revocations;
commit;
