begin;
\ir shared/setup.sql

select plan(14);

select enum_has_labels('novatune', 'user_status',
    array['Active', 'Disabled', 'PendingDeletion', 'Suspended'], 'statuses are spelled as in the API');
select col_is_pk('novatune', 'users', 'user_id', 'user_id is the primary key');

insert into novatune.users (user_id) values (pg_temp.ulid(1));
select results_eq(
    $$select status::text, session_epoch, tokens_valid_after, created_at, updated_at
        from novatune.users where user_id = pg_temp.ulid(1)$$,
    $$values ('Active', 0::bigint, '-infinity'::timestamptz, now(), now())$$,
    'an insert needs only user_id');
select lives_ok(
    $$insert into novatune.users (user_id, status) values (pg_temp.ulid(2), 'Suspended')$$,
    'an insert may name the status');

select throws_ok(format('insert into novatune.users (user_id) values (%L)', value), '23514', null,
    condition || ' is refused')
  from (values ('a lower-case user_id', '01arz3ndektsv4rrffq69g5fav'),
               ('a short user_id',      '01ARZ3NDEKTSV4RRFFQ69G5FA')) as bad (condition, value);
select throws_ok(
    $$insert into novatune.users (user_id) values (pg_temp.ulid(1))$$,
    '23505', null, 'the same user twice is refused');
select throws_ok(
    $$insert into novatune.users (user_id, status) values (pg_temp.ulid(3), 'active')$$,
    '22P02', null, 'a status in another spelling is refused');
select throws_ok(
    $$insert into novatune.users (user_id, session_epoch) values (pg_temp.ulid(3), -1)$$,
    '23514', null, 'a negative session_epoch is refused');

select throws_ok(format('insert into novatune.users (user_id, %I) values (pg_temp.ulid(3), null)', name),
    '23502', null, name || ' is never null')
  from unnest('{status,session_epoch,tokens_valid_after,created_at,updated_at}'::text[]) as name;

select * from finish();
rollback;
