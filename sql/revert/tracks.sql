-- Revert novatune:tracks from pg

begin;

drop table novatune.tracks;
drop type novatune.track_status;

commit;
