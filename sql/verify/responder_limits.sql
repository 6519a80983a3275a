-- Verify novatune:responder_limits on pg

begin;

do $$
declare
    wanted text[] := '{statement_timeout}';
begin
    -- A deployer who may not set them got a notice.
    if not exists (
        select
          from pg_catalog.pg_roles
         where rolname = current_user
           and (rolsuper
                or rolcreaterole
                   and (current_setting('server_version_num')::int < 160000
                        or pg_has_role(current_user, 'novatune_responder', 'member with admin option')))
    ) then
        return;
    end if;
    begin
        perform set_config('client_connection_check_interval', '1s', true);
        wanted := wanted || 'client_connection_check_interval'::text;
    exception
        -- Windows cannot see that a client is gone.
        when invalid_parameter_value then null;
    end;
    assert (
        select array_agg(distinct split_part(entry, '=', 1))
          from pg_catalog.pg_db_role_setting s
          join pg_catalog.pg_roles r on r.oid = s.setrole
         cross join unnest(s.setconfig) as entry
         where r.rolname = 'novatune_responder'
           and s.setdatabase in (0, (select oid from pg_catalog.pg_database where datname = current_database()))
    ) @> wanted, 'novatune_responder lacks statement_timeout or client_connection_check_interval';
end
$$;

rollback;
