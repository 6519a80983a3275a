begin;
\ir shared/setup.sql

select plan(10);

-- A new role of the cluster, with what every role has.
create role novatune_test_stranger login;
select ok(not has_database_privilege('novatune_test_stranger', current_database(), privilege),
    'a role without a grant has not the privilege ' || privilege)
  from unnest('{connect,temporary,create}'::text[]) as privilege;
grant novatune_reader to novatune_test_stranger;
select ok(has_database_privilege('novatune_test_stranger', current_database(), 'connect'),
    'a member of novatune_reader connects');
select ok(has_database_privilege(role, current_database(), 'connect'), role || ' connects')
  from unnest('{novatune_responder,novatune_reader,novatune_dba,novatune_owner,novatune_revoker,novatune_authorizer}'::text[]) as role;

select * from finish();
rollback;
