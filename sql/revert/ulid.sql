-- Revert novatune:ulid from pg

begin;

drop domain novatune.ulid;

commit;
