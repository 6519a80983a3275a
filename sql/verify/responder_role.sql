-- Verify novatune:responder_role on pg

begin;

do $$
begin
    assert exists (
        select
          from pg_catalog.pg_roles
         where rolname = 'novatune_responder'
           and rolcanlogin
           and not (rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls)
    ), 'role novatune_responder is missing, may not log in, or may more than that';
end
$$;

rollback;
