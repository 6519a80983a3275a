-- Revert novatune:track_grants from pg

begin;

drop table novatune.track_grants;

commit;
