-- Deploy novatune:connect_privilege to pg
-- requires: roles
-- requires: responder_role

begin;

-- Locks the row of pg_database, for an instant.
set local lock_timeout = '2s';

-- PostgreSQL lets every role of the cluster connect to a new database and make temporary tables. NOTIFY needs no
-- privilege, so each of them could fill the queue of notifications, and then no user could be suspended.
do $$
declare
    role name;
begin
    if exists (
        select
          from pg_catalog.pg_class c
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'novatune', 'sqitch')
           and c.relkind in ('r', 'p', 'm', 'f')
           and not exists (select from pg_catalog.pg_depend d
                            where (d.classid, d.objid, d.deptype) = ('pg_catalog.pg_class'::regclass, c.oid, 'e'))
    ) then
        raise notice 'database % has tables of others, so public may still connect', current_database()
            using hint = format('Grant connect to those who need it, then run: revoke connect, temporary on database %I '
                'from public', current_database());
        return;
    end if;
    -- Nothing is granted where nothing could be revoked; and the owner of the database, the deployer, keeps both.
    if not pg_has_role(current_user, (select datdba from pg_catalog.pg_database where datname = current_database()),
                       'usage') then
        raise notice '% does not own database %, so public may still connect', current_user, current_database()
            using hint = format('Have its owner run: revoke connect, temporary on database %I from public; '
                'grant connect on database %I to novatune_owner, novatune_dba, novatune_reader, novatune_responder',
                current_database(), current_database());
        return;
    end if;
    execute format('revoke connect, temporary on database %I from public', current_database());
    execute format('grant connect on database %I to novatune_owner, novatune_dba, novatune_reader, novatune_responder',
                   current_database());
end
$$;

commit;
