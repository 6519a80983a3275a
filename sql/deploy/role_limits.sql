-- Deploy novatune:role_limits to pg
-- requires: roles
-- requires: responder_limits

begin;

-- Locks rows of pg_authid and pg_db_role_setting, for an instant.
set local lock_timeout = '2s';

-- Connections: the responder leaves a quarter of max_connections to others, so that DBAs can log in whatever it does.
-- A limit counts the sessions of the role that logs in; membership does not pass it on. Superusers have none.
-- Times, in this database only:
--   idle_in_transaction_session_timeout: an open transaction keeps its locks, and a LISTEN in it the queue of
--   notifications. The responder's transactions are one query long. novatune_owner has none: sqitch's own session is
--   idle in its transaction while a change runs.
--   lock_timeout: who waits for a lock on a table makes all later readers wait as well. The responder's waits end with
--   its statement_timeout.
--   statement_timeout: support looks things up; bulk changes and migrations may take as long as they need.
do $$
declare
    wanted record;
begin
    for wanted in
        select w.role, w.name, w.value, r.oid as role_oid, r.rolconnlimit
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
    loop
        begin
            -- What a DBA has set for the role stays, here or in all databases.
            if wanted.name = 'connections' then
                if wanted.rolconnlimit = -1 then
                    execute format('alter role %I connection limit %s', wanted.role, wanted.value);
                end if;
            elsif not exists (
                select
                  from pg_catalog.pg_db_role_setting s
                 cross join unnest(s.setconfig) as entry
                 where s.setrole = wanted.role_oid
                   and s.setdatabase in (0, (select oid from pg_catalog.pg_database where datname = current_database()))
                   and starts_with(entry, wanted.name || '=')
            ) then
                execute format('alter role %I in database %I set %s = %L',
                               wanted.role, current_database(), wanted.name, wanted.value);
            end if;
        exception
            when insufficient_privilege then
                raise notice '% gets no limit of %: %', wanted.role, wanted.name, sqlerrm
                    using hint = format('Have a superuser set it to %s.', wanted.value);
        end;
    end loop;
end
$$;

-- People log in as themselves, and a setting holds for the role that logs in.
create function novatune.copy_limits(from_role name, to_login name) returns setof text
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
declare
    source pg_roles;
    entry text;
    command text;
begin
    select * into source from pg_roles where rolname = from_role;
    if not found then
        raise exception 'there is no role %', from_role using errcode = 'undefined_object';
    elsif not exists (select from pg_roles where rolname = to_login) then
        raise exception 'there is no role %', to_login using errcode = 'undefined_object';
    end if;
    if source.rolconnlimit <> -1 then
        command := format('alter role %I connection limit %s', to_login, source.rolconnlimit);
        execute command;
        return next command;
    end if;
    for entry in
        select limits.entry
          from pg_db_role_setting s
          join pg_database d on d.oid = s.setdatabase and d.datname = current_database()
         cross join unnest(s.setconfig) as limits (entry)
         where s.setrole = source.oid
           and split_part(limits.entry, '=', 1) ~ '_(timeout|interval|limit|mem)$'
         order by 1
    loop
        command := format('alter role %I in database %I set %s = %L', to_login, current_database(),
                          split_part(entry, '=', 1), substr(entry, strpos(entry, '=') + 1));
        execute command;
        return next command;
    end loop;
end
$$;

comment on function novatune.copy_limits(name, name) is
    'Gives a login the limits that a role has in this database: connections and times. Returns the commands it ran. The caller needs the right to alter the login.';

revoke all on function novatune.copy_limits(name, name) from public;

-- The change ownership came before this function.
do $$
begin
    execute format('alter function novatune.copy_limits(name, name) owner to %I', (
        select pg_get_userbyid(nspowner) from pg_catalog.pg_namespace where nspname = 'novatune'));
end
$$;

commit;
