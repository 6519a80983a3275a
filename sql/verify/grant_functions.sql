-- Verify novatune:grant_functions on pg

begin;

select 'novatune.grant_access(novatune.ulid, novatune.ulid, timestamptz, novatune.ulid, text)'::regprocedure,
       'novatune.revoke_access(novatune.ulid, novatune.ulid, text)'::regprocedure;

rollback;
