-- Deploy novatune:revoker_role to pg
-- requires: revocations
-- requires: connect_privilege
-- requires: role_limits

begin;

-- Locks rows of pg_authid, pg_db_role_setting and pg_database, for an instant.
set local lock_timeout = '2s';

-- A role belongs to the cluster: another database may have made it already, or a DBA where the deployer may not.
do $$
begin
    if not exists (select from pg_catalog.pg_roles where rolname = 'novatune_revoker') then
        create role novatune_revoker login;
        comment on role novatune_revoker is
            'NovaTune Stream''s process that takes URLs back: may read which objects are to be revoked, and cross them off.';
    end if;
exception
    when duplicate_object or unique_violation then null;
end
$$;

grant usage on schema novatune to novatune_revoker;
-- Which object, and since when; a try that failed; done.
grant select, delete on novatune.revocations to novatune_revoker;
grant update (attempts, due_at, failure) on novatune.revocations to novatune_revoker;
-- Whether a Ready track names the object.
grant select (object_key, status) on novatune.tracks to novatune_revoker;
grant select (record_revocations) on novatune.settings to novatune_revoker;

-- The limits are those of novatune_responder, as responder_limits and role_limits explain them. A transaction lasts as
-- long as the store's answers.
do $$
declare
    wanted record;
begin
    for wanted in
        select w.name, w.value, r.oid as role_oid, r.rolconnlimit
          from (values
            ('connections', '40'),
            ('client_connection_check_interval', '1s'),
            ('idle_in_transaction_session_timeout', '60s'),
            ('statement_timeout', '65s')
          ) as w (name, value)
          join pg_catalog.pg_roles r on r.rolname = 'novatune_revoker'
    loop
        begin
            -- What a DBA has set for the role stays, here or in all databases.
            if wanted.name = 'connections' then
                if wanted.rolconnlimit = -1 then
                    execute format('alter role novatune_revoker connection limit %s', wanted.value);
                end if;
            elsif not exists (
                select
                  from pg_catalog.pg_db_role_setting s
                 cross join unnest(s.setconfig) as entry
                 where s.setrole = wanted.role_oid
                   and s.setdatabase in (0, (select oid from pg_catalog.pg_database where datname = current_database()))
                   and starts_with(entry, wanted.name || '=')
            ) then
                execute format('alter role novatune_revoker in database %I set %s = %L',
                               current_database(), wanted.name, wanted.value);
            end if;
        exception
            when insufficient_privilege then
                raise notice 'novatune_revoker gets no limit of %: %', wanted.name, sqlerrm
                    using hint = format('Have a superuser set it to %s.', wanted.value);
        end;
    end loop;
end
$$;

-- Where public may connect, nothing is granted (connect_privilege).
do $$
begin
    if has_database_privilege('novatune_revoker', current_database(), 'connect') then
        return;
    end if;
    execute format('grant connect on database %I to novatune_revoker', current_database());
    if not has_database_privilege('novatune_revoker', current_database(), 'connect') then
        raise notice 'novatune_revoker may not connect to database %', current_database()
            using hint = format('Have its owner run: grant connect on database %I to novatune_revoker',
                current_database());
    end if;
end
$$;

commit;
