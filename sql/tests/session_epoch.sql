begin;
\ir shared/setup.sql

select plan(32);

insert into novatune.users (user_id, updated_at)
values (pg_temp.ulid(1), '2000-01-01'), (pg_temp.ulid(2), '2000-01-01');

create function pg_temp.epoch(number bigint) returns bigint
    language sql
    begin atomic
        select session_epoch from novatune.users where user_id = pg_temp.ulid(number);
    end;

update novatune.users set status = 'Active', tokens_valid_after = '-infinity' where user_id = pg_temp.ulid(1);
select is(pg_temp.epoch(1), 0::bigint, 'an update that changes nothing does not raise the epoch');
select is((select updated_at from novatune.users where user_id = pg_temp.ulid(1)), '2000-01-01'::timestamptz,
    'nor does it touch updated_at');

update novatune.users set created_at = '2001-01-01' where user_id = pg_temp.ulid(1);
select is(pg_temp.epoch(1), 0::bigint, 'another column does not raise the epoch');
select is((select updated_at from novatune.users where user_id = pg_temp.ulid(1)), now(),
    'a change sets updated_at');

update novatune.users set status = 'Suspended' where user_id = pg_temp.ulid(1);
select is(pg_temp.epoch(1), 1::bigint, 'another status raises the epoch');

update novatune.users set status = 'Active' where user_id = pg_temp.ulid(1);
select is(pg_temp.epoch(1), 2::bigint, 'so does the way back');

update novatune.users set tokens_valid_after = now() where user_id = pg_temp.ulid(1);
select is(pg_temp.epoch(1), 3::bigint, 'a logout raises the epoch');

update novatune.users set tokens_valid_after = now() where user_id = pg_temp.ulid(1);
select is(pg_temp.epoch(1), 3::bigint, 'the same moment again does not');

select throws_ok(format('update novatune.users set tokens_valid_after = %s where user_id = pg_temp.ulid(1)', moment),
    '23514', null, format('tokens_valid_after may not move back to %s', moment))
  from unnest(array[$$'-infinity'$$, $$'2026-01-08'$$, $$now() - interval '1 microsecond'$$]) as moment;
select throws_ok(
    $$update novatune.users set tokens_valid_after = '-infinity', status = 'Disabled' where user_id = pg_temp.ulid(1)$$,
    '23514',
    format('tokens_valid_after of user 00000000000000000000000001 may not move back from %s to -infinity', now()),
    'nor together with another change, and the error shows both moments');
select throws_ok(
    $$update novatune.users set tokens_valid_after = null where user_id = pg_temp.ulid(1)$$,
    '23502', null, 'nor vanish');

update novatune.users set tokens_valid_after = now() + interval '1 day' where user_id = pg_temp.ulid(1);
select is(pg_temp.epoch(1), 4::bigint, 'a day ahead is accepted');
update novatune.users set tokens_valid_after = now() where user_id = pg_temp.ulid(1);
select results_eq(
    'select session_epoch, tokens_valid_after from novatune.users where user_id = pg_temp.ulid(1)',
    $$values (5::bigint, now() + interval '1 day')$$,
    'a logout behind a later moment leaves that moment and raises the epoch');
update novatune.users set status = 'Disabled', tokens_valid_after = tokens_valid_after + interval '1 second'
 where user_id = pg_temp.ulid(1);
select is(pg_temp.epoch(1), 6::bigint, 'two reasons in one update raise it once');

select throws_ok(
    $$update novatune.users set session_epoch = 5 where user_id = pg_temp.ulid(1)$$,
    '23514', null, 'the epoch cannot be lowered');
select throws_ok(
    $$update novatune.users set session_epoch = 5, status = 'Active' where user_id = pg_temp.ulid(1)$$,
    '23514', null, 'not even with a change that raises it');
select is(pg_temp.epoch(1), 6::bigint, 'a refused update leaves it');

update novatune.users set session_epoch = 9 where user_id = pg_temp.ulid(1);
select is(pg_temp.epoch(1), 9::bigint, 'it can be raised by hand');

insert into novatune.users (user_id, status) values (pg_temp.ulid(1), 'Suspended')
on conflict (user_id) do update set status = excluded.status;
select is(pg_temp.epoch(1), 10::bigint, 'an upsert raises it like an update');

-- No statement may bring the counter to its end, where the next suspension would fail.
select throws_ok(format('update novatune.users set session_epoch = %s where user_id = pg_temp.ulid(1)', epoch),
    '23514', format('session_epoch of user 00000000000000000000000001 may not rise from 10 to %s', epoch),
    format('the epoch cannot be set to %s', epoch))
  from unnest('{9223372036854775807,9223372036854775806,9007199254740992}'::bigint[]) as epoch;
select throws_ok(format('insert into novatune.users (user_id, session_epoch) values (pg_temp.ulid(3), %s)', epoch),
    '23514', format('user 00000000000000000000000003 may not begin with the session_epoch %s', epoch),
    format('nor begin with %s', epoch))
  from unnest('{9223372036854775807,9007199254740992}'::bigint[]) as epoch;
select throws_ok(
    $$insert into novatune.users (user_id, session_epoch) values (pg_temp.ulid(1), 9223372036854775807)
      on conflict (user_id) do update set session_epoch = excluded.session_epoch$$,
    '23514', null, 'nor be set so by an upsert');
update novatune.users set session_epoch = 9007199254740991 where user_id = pg_temp.ulid(1);
update novatune.users set status = 'Active' where user_id = pg_temp.ulid(1);
select is(pg_temp.epoch(1), 9007199254740992::bigint, 'the highest that can be set still rises');
select lives_ok($$select novatune.logout_all(pg_temp.ulid(1), 'x')$$, 'so it does with a logout');
update novatune.users set session_epoch = session_epoch + 1 where user_id = pg_temp.ulid(1);
select is(pg_temp.epoch(1), 9007199254740994::bigint, 'and by one by hand');
with gone as (delete from novatune.users where user_id = pg_temp.ulid(1) returning user_id)
insert into novatune.users (user_id) select user_id from gone;
select is(pg_temp.epoch(1), 9007199254740995::bigint, 'and for a user who comes back');

select is(pg_temp.epoch(2), 0::bigint, 'another user''s epoch stays');

select * from finish();
rollback;
