-- Revert novatune:updated_at from pg

begin;

drop trigger tracks_set_updated_at on novatune.tracks;
drop trigger users_set_updated_at on novatune.users;
drop function novatune.set_updated_at();

commit;
