-- Revert novatune:responder_limits from pg

begin;

set local lock_timeout = '2s';

-- Only what the deployment has set: another value is a DBA's, and stays.
do $$
declare
    ours record;
begin
    for ours in
        select w.name
          from (values ('statement_timeout', '65s'), ('client_connection_check_interval', '1s')) as w (name, value)
          join pg_catalog.pg_db_role_setting s on w.name || '=' || w.value = any (s.setconfig)
          join pg_catalog.pg_roles r on r.oid = s.setrole and r.rolname = 'novatune_responder'
          join pg_catalog.pg_database d on d.oid = s.setdatabase and d.datname = current_database()
    loop
        begin
            execute format('alter role novatune_responder in database %I reset %s', current_database(), ours.name);
        exception
            when insufficient_privilege then
                raise notice 'novatune_responder keeps its %: %', ours.name, sqlerrm;
        end;
    end loop;
end
$$;

commit;
