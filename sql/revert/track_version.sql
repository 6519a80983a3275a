-- Revert novatune:track_version from pg

begin;

drop trigger tracks_raise_version on novatune.tracks;
drop function novatune.raise_track_version();

commit;
