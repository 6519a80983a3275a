-- Revert novatune:grant_functions from pg

begin;

drop function novatune.revoke_access(novatune.ulid, novatune.ulid, text);
drop function novatune.grant_access(novatune.ulid, novatune.ulid, timestamptz, novatune.ulid, text);

commit;
