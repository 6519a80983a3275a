begin;
\ir shared/setup.sql

select plan(16);

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

update novatune.users set tokens_valid_after = '-infinity' where user_id = pg_temp.ulid(1);
select is(pg_temp.epoch(1), 4::bigint, 'an earlier tokens_valid_after raises the epoch too');

update novatune.users set status = 'Disabled', tokens_valid_after = now() where user_id = pg_temp.ulid(1);
select is(pg_temp.epoch(1), 5::bigint, 'two reasons in one update raise it once');

select throws_ok(
    $$update novatune.users set session_epoch = 4 where user_id = pg_temp.ulid(1)$$,
    '23514', null, 'the epoch cannot be lowered');
select throws_ok(
    $$update novatune.users set session_epoch = 4, status = 'Active' where user_id = pg_temp.ulid(1)$$,
    '23514', null, 'not even with a change that raises it');
select is(pg_temp.epoch(1), 5::bigint, 'a refused update leaves it');

update novatune.users set session_epoch = 9 where user_id = pg_temp.ulid(1);
select is(pg_temp.epoch(1), 9::bigint, 'it can be raised by hand');

insert into novatune.users (user_id, status) values (pg_temp.ulid(1), 'Suspended')
on conflict (user_id) do update set status = excluded.status;
select is(pg_temp.epoch(1), 10::bigint, 'an upsert raises it like an update');

select is(pg_temp.epoch(2), 0::bigint, 'another user''s epoch stays');

select * from finish();
rollback;
