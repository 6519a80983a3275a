-- Revert novatune:ownership from pg

begin;

-- What reverts the other changes owns them again.
do $$
declare
    owned record;
begin
    if current_user = 'novatune_owner' then
        return;
    end if;
    for owned in
        select 'schema novatune' as what, 1 as place
        union all
        select format('function %s', oid::regprocedure), 2 from pg_catalog.pg_proc
         where pronamespace = 'novatune'::regnamespace
           and not exists (select from pg_catalog.pg_depend d
                            where (d.classid, d.objid, d.deptype) = ('pg_proc'::regclass, pg_proc.oid, 'e'))
        union all
        select format('%s %s', case relkind when 'v' then 'view' else 'table' end, oid::regclass), 3 from pg_catalog.pg_class
         where relnamespace = 'novatune'::regnamespace and relkind in ('r', 'v')
        union all
        select format('%s %s', case typtype when 'd' then 'domain' else 'type' end, oid::regtype), 4 from pg_catalog.pg_type
         where typnamespace = 'novatune'::regnamespace and typtype in ('d', 'e')
         order by place
    loop
        execute format('alter %s owner to current_user', owned.what);
    end loop;
exception
    when insufficient_privilege then
        raise notice 'the schema stays with its owner: %', sqlerrm;
end
$$;

commit;
