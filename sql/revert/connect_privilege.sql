-- Revert novatune:connect_privilege from pg

begin;

set local lock_timeout = '2s';

-- The same condition: where nothing was revoked, nothing is given.
do $$
begin
    if not exists (
        select
          from pg_catalog.pg_database d
         cross join aclexplode(d.datacl) as acl
         where d.datname = current_database() and acl.grantee = 'novatune_responder'::regrole
           and acl.privilege_type = 'CONNECT'
    ) then
        return;
    end if;
    execute format('revoke connect on database %I from novatune_owner, novatune_dba, novatune_reader, '
                   'novatune_responder', current_database());
    execute format('grant connect, temporary on database %I to public', current_database());
    -- The owner's own right is not a grant of the deployment.
    execute format('grant all on database %I to %I', current_database(), (
        select pg_get_userbyid(datdba) from pg_catalog.pg_database where datname = current_database()));
exception
    when insufficient_privilege then
        raise notice 'database % keeps its privileges: %', current_database(), sqlerrm;
end
$$;

commit;
