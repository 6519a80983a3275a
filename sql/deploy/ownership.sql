-- Deploy novatune:ownership to pg
-- requires: dba_privileges
-- requires: reader_privileges
-- requires: responder_privileges
-- requires: continued_identity
-- requires: invalidation
-- requires: optimistic_concurrency

begin;

-- Trigger functions run with their owner's rights: that owner should be no superuser, whoever deployed.
do $$
declare
    owned record;
begin
    if current_user = 'novatune_owner' then
        return;
    end if;
    for owned in
        select format('function %s', oid::regprocedure) as what, 1 as place from pg_catalog.pg_proc
         where pronamespace = 'novatune'::regnamespace
           and not exists (select from pg_catalog.pg_depend d
                            where (d.classid, d.objid, d.deptype) = ('pg_proc'::regclass, pg_proc.oid, 'e'))
        union all
        select format('%s %s', case relkind when 'v' then 'view' else 'table' end, oid::regclass), 2 from pg_catalog.pg_class
         where relnamespace = 'novatune'::regnamespace and relkind in ('r', 'v')
        union all
        select format('%s %s', case typtype when 'd' then 'domain' else 'type' end, oid::regtype), 3 from pg_catalog.pg_type
         where typnamespace = 'novatune'::regnamespace and typtype in ('d', 'e')
        union all
        -- Last: who gives the schema away may touch nothing in it any more.
        select 'schema novatune', 4
         order by place
    loop
        execute format('alter %s owner to novatune_owner', owned.what);
    end loop;
exception
    when insufficient_privilege then
        raise notice '% still owns the schema: %', current_user, sqlerrm
            using hint = 'Deploy as novatune_owner or a superuser, or have one run: reassign owned by '
                || quote_ident(current_user) || ' to novatune_owner.';
end
$$;

commit;
