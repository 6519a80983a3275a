-- Verify novatune:roles on pg

begin;

do $$
begin
    assert (
        select count(*) = 3
          from pg_catalog.pg_roles
         where rolname in ('novatune_owner', 'novatune_dba', 'novatune_reader')
    ), 'a role is missing';
    assert not exists (
        select
          from pg_catalog.pg_roles
         where rolname in ('novatune_dba', 'novatune_reader') and (rolsuper or rolcreaterole or rolcreatedb or rolbypassrls)
    ), 'novatune_dba or novatune_reader may more than it should';
end
$$;

rollback;
