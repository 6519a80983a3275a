-- Deploy novatune:authorizer_role to pg
-- requires: user_revocations
-- requires: connect_privilege
-- requires: role_limits

begin;

-- Locks rows of pg_authid, pg_db_role_setting and pg_database, for an instant.
set local lock_timeout = '2s';

-- A role belongs to the cluster: another database may have made it already, or a DBA where the deployer may not.
do $$
begin
    if not exists (select from pg_catalog.pg_roles where rolname = 'novatune_authorizer') then
        create role novatune_authorizer login;
        comment on role novatune_authorizer is
            'NovaTune Stream''s process that answers a store''s webhook: may read whose URLs are refused, and delete old rows.';
    end if;
exception
    when duplicate_object or unique_violation then null;
end
$$;

grant usage on schema novatune to novatune_authorizer;
-- Whose URLs are refused; and what is older than those URLs goes.
grant select (position, user_id, session_epoch, object_key), delete on novatune.user_revocations to novatune_authorizer;
-- Whether changes are recorded at all.
grant select (record_user_revocations) on novatune.settings to novatune_authorizer;

-- The limits are those of novatune_responder, as responder_limits and role_limits explain them. The process of each
-- gateway holds one connection, and a second one for a moment while the first is lost; a process that gets none refuses
-- all URLs of its gateway, so there is room for many gateways.
do $$
declare
    wanted record;
begin
    for wanted in
        select w.name, w.value, r.oid as role_oid, r.rolconnlimit
          from (values
            ('connections', '100'),
            ('client_connection_check_interval', '1s'),
            ('idle_in_transaction_session_timeout', '60s'),
            ('statement_timeout', '65s')
          ) as w (name, value)
          join pg_catalog.pg_roles r on r.rolname = 'novatune_authorizer'
    loop
        begin
            -- What a DBA has set for the role stays, here or in all databases.
            if wanted.name = 'connections' then
                if wanted.rolconnlimit = -1 then
                    execute format('alter role novatune_authorizer connection limit %s', wanted.value);
                end if;
            elsif not exists (
                select
                  from pg_catalog.pg_db_role_setting s
                 cross join unnest(s.setconfig) as entry
                 where s.setrole = wanted.role_oid
                   and s.setdatabase in (0, (select oid from pg_catalog.pg_database where datname = current_database()))
                   and starts_with(entry, wanted.name || '=')
            ) then
                execute format('alter role novatune_authorizer in database %I set %s = %L',
                               current_database(), wanted.name, wanted.value);
            end if;
        exception
            when insufficient_privilege then
                raise notice 'novatune_authorizer gets no limit of %: %', wanted.name, sqlerrm
                    using hint = format('Have a superuser set it to %s.', wanted.value);
        end;
    end loop;
end
$$;

-- Where public may connect, nothing is granted (connect_privilege).
do $$
begin
    if has_database_privilege('novatune_authorizer', current_database(), 'connect') then
        return;
    end if;
    execute format('grant connect on database %I to novatune_authorizer', current_database());
    if not has_database_privilege('novatune_authorizer', current_database(), 'connect') then
        raise notice 'novatune_authorizer may not connect to database %', current_database()
            using hint = format('Have its owner run: grant connect on database %I to novatune_authorizer',
                current_database());
    end if;
end
$$;

commit;
