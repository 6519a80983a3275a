-- Revert novatune:invalidation from pg

begin;

drop trigger users_invalidate on novatune.users;
drop trigger tracks_invalidate on novatune.tracks;
drop trigger track_grants_invalidate on novatune.track_grants;
drop function novatune.invalidate_user();
drop function novatune.invalidate_track();
drop function novatune.invalidate_grant();
drop function novatune.invalidate(text, text, text);

commit;
