begin;
\ir shared/setup.sql

select plan(17);

-- What a role's sessions in this database begin with.
create function pg_temp.setting(role text, name text) returns interval
    language sql
    return (
        select substr(entry, strpos(entry, '=') + 1)::interval
          from pg_db_role_setting
          join pg_roles on pg_roles.oid = setrole and rolname = role
          join pg_database on pg_database.oid = setdatabase and datname = current_database()
         cross join unnest(pg_db_role_setting.setconfig) as entry
         where starts_with(entry, name || '='));

select cmp_ok((select rolconnlimit from pg_roles where rolname = role), '>', 0,
    role || ' has a limit of connections')
  from unnest('{novatune_responder,novatune_reader,novatune_dba,novatune_owner,novatune_revoker,novatune_authorizer}'::text[]) as role;
select cmp_ok(
    (select rolconnlimit from pg_roles where rolname = 'novatune_responder'), '<',
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,
    'the responder leaves connections to others');
select cmp_ok(pg_temp.setting(role, 'idle_in_transaction_session_timeout'), '<=', '10 minutes',
    'no transaction of ' || role || ' idles for good')
  from unnest('{novatune_responder,novatune_reader,novatune_dba,novatune_revoker,novatune_authorizer}'::text[]) as role;
select is(pg_temp.setting('novatune_owner', 'idle_in_transaction_session_timeout'), null,
    'sqitch may idle in its transaction while a change runs');
select cmp_ok(pg_temp.setting(role, 'lock_timeout'), '<=', '10 seconds', role || ' waits for no lock for long')
  from unnest('{novatune_reader,novatune_dba,novatune_owner}'::text[]) as role;

-- A person's login.
create role novatune_test_person login in role novatune_reader;
select novatune.copy_limits('novatune_reader', 'novatune_test_person');
select results_eq(
    $$select entry
        from pg_db_role_setting
        join pg_roles on pg_roles.oid = setrole
       cross join unnest(pg_db_role_setting.setconfig) as entry
       where rolname = 'novatune_test_person'
      union all
      select rolconnlimit::text from pg_roles where rolname = 'novatune_test_person' order by 1$$,
    $$select entry
        from pg_db_role_setting
        join pg_roles on pg_roles.oid = setrole
        join pg_database on pg_database.oid = setdatabase and datname = current_database()
       cross join unnest(pg_db_role_setting.setconfig) as entry
       where rolname = 'novatune_reader'
      union all
      select rolconnlimit::text from pg_roles where rolname = 'novatune_reader' order by 1$$,
    'copy_limits gives a login what its role has');

select * from finish();
rollback;
