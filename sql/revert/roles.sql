-- Revert novatune:roles from pg

begin;

-- Dropping a role ends its memberships without asking, so they are looked for;
-- what it owns or is granted in any database stops the drop by itself.
do $$
declare
    name text;
begin
    foreach name in array '{novatune_reader,novatune_dba,novatune_owner}'::text[] loop
        begin
            if exists (
                select
                  from pg_catalog.pg_auth_members m
                  join pg_catalog.pg_roles r on r.oid in (m.member, m.roleid)
                 where r.rolname = name
            ) then
                raise notice 'role % has memberships and stays', name;
            else
                execute format('drop role if exists %I', name);
            end if;
        exception
            when dependent_objects_still_exist then
                raise notice 'role % is in use elsewhere and stays', name;
            when object_in_use then
                raise notice 'role % is in use and stays', name;
            when insufficient_privilege then
                raise notice 'role % is not ours to drop and stays', name;
        end;
    end loop;
end
$$;

commit;
