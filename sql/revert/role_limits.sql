-- Revert novatune:role_limits from pg

begin;

set local lock_timeout = '2s';

drop function novatune.copy_limits(name, name);

-- Only what the deployment has set: another value is a DBA's, and stays.
do $$
declare
    ours record;
begin
    for ours in
        select w.role, w.name, w.value
          from (values
            ('novatune_responder', 'connections', (greatest(current_setting('max_connections')::int * 3 / 4, 1))::text),
            ('novatune_responder', 'idle_in_transaction_session_timeout', '60s'),
            ('novatune_reader', 'connections', '10'),
            ('novatune_reader', 'statement_timeout', '60s'),
            ('novatune_reader', 'lock_timeout', '10s'),
            ('novatune_reader', 'idle_in_transaction_session_timeout', '60s'),
            ('novatune_dba', 'connections', '10'),
            ('novatune_dba', 'lock_timeout', '10s'),
            ('novatune_dba', 'idle_in_transaction_session_timeout', '10min'),
            ('novatune_owner', 'connections', '20'),
            ('novatune_owner', 'lock_timeout', '10s')
          ) as w (role, name, value)
          join pg_catalog.pg_roles r on r.rolname = w.role
         where case w.name
                   -- It belongs to the cluster, and another database may be deployed with it.
                   when 'connections' then r.rolconnlimit = w.value::int and not exists (
                       select
                         from pg_catalog.pg_db_role_setting s
                         join pg_catalog.pg_database d on d.oid = s.setdatabase and d.datname <> current_database()
                        where s.setrole = r.oid)
                   else exists (
                       select
                         from pg_catalog.pg_db_role_setting s
                         join pg_catalog.pg_database d on d.oid = s.setdatabase and d.datname = current_database()
                        where s.setrole = r.oid and w.name || '=' || w.value = any (s.setconfig))
               end
    loop
        begin
            if ours.name = 'connections' then
                execute format('alter role %I connection limit -1', ours.role);
            else
                execute format('alter role %I in database %I reset %s', ours.role, current_database(), ours.name);
            end if;
        exception
            when insufficient_privilege then
                raise notice '% keeps its limit of %: %', ours.role, ours.name, sqlerrm;
        end;
    end loop;
end
$$;

commit;
