-- Revert novatune:dba_privileges from pg

begin;

revoke all on all tables in schema novatune from novatune_dba;
revoke all on all functions in schema novatune from novatune_dba;
revoke usage on schema novatune from novatune_dba;

commit;
