-- Deploy novatune:responder_limits to pg
-- requires: responder_role

begin;

-- Locks a row of pg_db_role_setting, for an instant.
set local lock_timeout = '2s';

-- The responder sets statement_timeout in each session to what it waits itself (NOVATUNE_DATABASE_TIMEOUT, 60 s at most).
-- 65 s bounds the sessions without that, such as those that a pooler has reset. It is longer than the responder ever
-- waits, so it ends no statement that the responder waits for.
-- A backend that waits for a lock does not see that its client is gone, unless it looks: then its slot is free in a second.
-- Both hold in this database only, because the role belongs to the cluster and may serve other databases.
do $$
declare
    wanted record;
begin
    for wanted in
        select *
          from (values ('statement_timeout', '65s'), ('client_connection_check_interval', '1s')) as w (name, value)
    loop
        begin
            -- What a DBA has set for the role stays, here or in all databases.
            if exists (
                select
                  from pg_catalog.pg_db_role_setting s
                  join pg_catalog.pg_roles r on r.oid = s.setrole
                 cross join unnest(s.setconfig) as entry
                 where r.rolname = 'novatune_responder'
                   and s.setdatabase in (0, (select oid from pg_catalog.pg_database where datname = current_database()))
                   and starts_with(entry, wanted.name || '=')
            ) then
                raise notice 'novatune_responder has its own % and keeps it', wanted.name;
            else
                execute format('alter role novatune_responder in database %I set %s = %L',
                               current_database(), wanted.name, wanted.value);
            end if;
        exception
            when insufficient_privilege then
                raise notice 'novatune_responder gets no %: %', wanted.name, sqlerrm
                    using hint = format('Have a superuser run: alter role novatune_responder in database %I set %s = %L',
                                        current_database(), wanted.name, wanted.value);
            -- Windows cannot see that a client is gone.
            when invalid_parameter_value then
                raise notice 'novatune_responder gets no %: %', wanted.name, sqlerrm;
        end;
    end loop;
end
$$;

commit;
