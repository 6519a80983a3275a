-- Revert novatune:responder_role from pg

begin;

-- Dropping a role ends its memberships without asking, so they are looked for;
-- what it owns or is granted in any database stops the drop by itself.
do $$
begin
    if exists (
        select
          from pg_catalog.pg_auth_members m
          join pg_catalog.pg_roles r on r.oid in (m.member, m.roleid)
         where r.rolname = 'novatune_responder'
    ) then
        raise notice 'role novatune_responder has memberships and stays';
    else
        drop role if exists novatune_responder;
    end if;
exception
    when dependent_objects_still_exist then
        raise notice 'role novatune_responder is in use elsewhere and stays';
    when insufficient_privilege then
        raise notice 'role novatune_responder is not ours to drop and stays';
end
$$;

commit;
