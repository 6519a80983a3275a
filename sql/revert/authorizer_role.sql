-- Revert novatune:authorizer_role from pg

begin;

set local lock_timeout = '2s';

revoke select (record_user_revocations) on novatune.settings from novatune_authorizer;
revoke select (position, user_id, session_epoch, object_key), delete on novatune.user_revocations
    from novatune_authorizer;
revoke usage on schema novatune from novatune_authorizer;

do $$
begin
    execute format('revoke connect on database %I from novatune_authorizer', current_database());
exception
    when insufficient_privilege then
        raise notice 'database % keeps its privileges: %', current_database(), sqlerrm;
end
$$;

-- Only what the deployment has set: another value is a DBA's, and stays.
do $$
declare
    ours record;
begin
    for ours in
        select split_part(entry, '=', 1) as name
          from pg_catalog.pg_db_role_setting s
          join pg_catalog.pg_database d on d.oid = s.setdatabase and d.datname = current_database()
         cross join unnest(s.setconfig) as entry
         where s.setrole = 'novatune_authorizer'::regrole
           and entry in ('client_connection_check_interval=1s', 'idle_in_transaction_session_timeout=60s',
                         'statement_timeout=65s')
    loop
        execute format('alter role novatune_authorizer in database %I reset %s', current_database(), ours.name);
    end loop;
exception
    when insufficient_privilege then
        raise notice 'novatune_authorizer keeps its limits: %', sqlerrm;
end
$$;

-- As of novatune_responder: what owns, is granted or is a member of something elsewhere stays.
do $$
begin
    if exists (
        select
          from pg_catalog.pg_auth_members m
          join pg_catalog.pg_roles r on r.oid in (m.member, m.roleid)
         where r.rolname = 'novatune_authorizer'
    ) then
        raise notice 'role novatune_authorizer has memberships and stays';
    else
        drop role if exists novatune_authorizer;
    end if;
exception
    when dependent_objects_still_exist then
        raise notice 'role novatune_authorizer is in use elsewhere and stays';
    when insufficient_privilege then
        raise notice 'role novatune_authorizer is not ours to drop and stays';
end
$$;

commit;
