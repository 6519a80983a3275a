-- Verify novatune:role_limits on pg

begin;

select has_function_privilege('novatune.copy_limits(name, name)', 'execute');

do $$
declare
    wanted record;
begin
    for wanted in
        select w.role, w.name, r.oid as role_oid, r.rolconnlimit
          from (values
            ('novatune_responder', 'connections'),
            ('novatune_responder', 'idle_in_transaction_session_timeout'),
            ('novatune_reader', 'connections'),
            ('novatune_reader', 'statement_timeout'),
            ('novatune_reader', 'lock_timeout'),
            ('novatune_reader', 'idle_in_transaction_session_timeout'),
            ('novatune_dba', 'connections'),
            ('novatune_dba', 'lock_timeout'),
            ('novatune_dba', 'idle_in_transaction_session_timeout'),
            ('novatune_owner', 'connections'),
            ('novatune_owner', 'lock_timeout')
          ) as w (role, name)
          join pg_catalog.pg_roles r on r.rolname = w.role
         -- A deployer who may not set them got a notice.
         where exists (
             select
               from pg_catalog.pg_roles me
              where me.rolname = current_user
                and (me.rolsuper
                     or me.rolcreaterole
                        and (current_setting('server_version_num')::int < 160000
                             or pg_has_role(current_user, r.oid, 'member with admin option'))))
    loop
        assert case wanted.name
            when 'connections' then wanted.rolconnlimit <> -1
            else exists (
                select
                  from pg_catalog.pg_db_role_setting s
                 cross join unnest(s.setconfig) as entry
                 where s.setrole = wanted.role_oid
                   and s.setdatabase in (0, (select oid from pg_catalog.pg_database where datname = current_database()))
                   and starts_with(entry, wanted.name || '='))
        end, format('%s has no limit of %s', wanted.role, wanted.name);
    end loop;
end
$$;

rollback;
