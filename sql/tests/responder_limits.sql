begin;
\ir shared/setup.sql

select plan(6);

-- What a role's sessions in this database begin with, in milliseconds.
create function pg_temp.milliseconds(role text, setting text) returns int
    language plpgsql
as $$
begin
    perform set_config(setting, substr(entry, strpos(entry, '=') + 1), true)
       from pg_db_role_setting
       join pg_roles on pg_roles.oid = setrole and rolname = role
       join pg_database on pg_database.oid = setdatabase and datname = current_database()
      cross join unnest(pg_db_role_setting.setconfig) as entry
      where starts_with(entry, setting || '=');
    if not found then
        return null;
    end if;
    return (select pg_settings.setting from pg_settings where name = milliseconds.setting);
end
$$;

select cmp_ok(pg_temp.milliseconds('novatune_responder', 'statement_timeout'), '>', 60000,
    'no statement is ended while the responder waits for it: NOVATUNE_DATABASE_TIMEOUT is 60 s at most');
select cmp_ok(pg_temp.milliseconds('novatune_responder', 'statement_timeout'), '<=', 120000,
    'each is ended within two minutes');
select cmp_ok(pg_temp.milliseconds('novatune_responder', 'client_connection_check_interval'), '>', 0,
    'a backend sees that its client is gone');
select cmp_ok(pg_temp.milliseconds('novatune_responder', 'client_connection_check_interval'), '<=', 2000,
    'before the responder has given up the next query, after 2 s by default');
select is(pg_temp.milliseconds('novatune_owner', 'statement_timeout'), null,
    'migrations may take as long as they need');
select lives_ok(
    $$select pg_temp.as_responder('set local statement_timeout = 2000')$$,
    'the responder may set its own limit');

select * from finish();
rollback;
