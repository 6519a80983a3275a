-- Revert novatune:continued_identity from pg

begin;

drop trigger users_continue on novatune.users;
drop trigger tracks_continue on novatune.tracks;
drop function novatune.continue_user();
drop function novatune.continue_track();

commit;
