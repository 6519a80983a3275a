begin;
\ir shared/setup.sql

select plan(14);

create function pg_temp.counters(number bigint) returns table (session_epoch bigint, tokens_valid_after timestamptz)
    language sql
    begin atomic
        select session_epoch, tokens_valid_after from novatune.users where user_id = pg_temp.ulid(number);
    end;

insert into novatune.users (user_id, session_epoch, tokens_valid_after)
values (pg_temp.ulid(1), 7, '2026-01-08 12:00:00+00'), (pg_temp.ulid(2), 0, '-infinity');
insert into novatune.tracks (track_id, user_id, title, object_key, mime_type, file_size_bytes, status, version)
values (pg_temp.ulid(11), pg_temp.ulid(2), 'Song', 'k', 'audio/mpeg', 1, 'Ready', 5);

-- One statement that deletes a row and inserts it again.
with gone as (delete from novatune.users where user_id = pg_temp.ulid(1) returning user_id)
insert into novatune.users (user_id) select user_id from gone;
select results_eq('select * from pg_temp.counters(1)', $$values (8::bigint, '2026-01-08 12:00:00+00'::timestamptz)$$,
    'a user deleted and inserted in one statement continues the counters');
with gone as (delete from novatune.users where user_id = pg_temp.ulid(1) returning user_id, tokens_valid_after)
insert into novatune.users (user_id, session_epoch, tokens_valid_after)
select user_id, 0, tokens_valid_after - interval '1 day' from gone;
select results_eq('select * from pg_temp.counters(1)', $$values (9::bigint, '2026-01-08 12:00:00+00'::timestamptz)$$,
    'and counters that the statement names lower are raised');
with gone as (delete from novatune.users where user_id = pg_temp.ulid(1) returning user_id)
insert into novatune.users (user_id, session_epoch, tokens_valid_after)
select user_id, 20, '2026-01-09 12:00:00+00' from gone
on conflict (user_id) do update set session_epoch = excluded.session_epoch;
select results_eq('select * from pg_temp.counters(1)', $$values (20::bigint, '2026-01-09 12:00:00+00'::timestamptz)$$,
    'higher ones stay');
with gone as (delete from novatune.tracks where track_id = pg_temp.ulid(11) returning *)
insert into novatune.tracks (track_id, user_id, title, object_key, mime_type, file_size_bytes, status)
select track_id, user_id, title, object_key, mime_type, file_size_bytes, status from gone;
select is((select version from novatune.tracks where track_id = pg_temp.ulid(11)), 6::bigint,
    'so does a track''s version');
select results_eq(
    $$select event::text from novatune.history
       where (subject_kind, subject_id) = ('track', pg_temp.ulid(11)) order by position$$,
    array['created', 'removed', 'created'], 'history has both steps');

-- One after the other.
delete from novatune.users where user_id = pg_temp.ulid(1);
insert into novatune.users (user_id, session_epoch) values (pg_temp.ulid(1), 3);
select results_eq('select * from pg_temp.counters(1)', $$values (21::bigint, '2026-01-09 12:00:00+00'::timestamptz)$$,
    'two statements have the same effect');
select results_eq('select * from pg_temp.counters(2)', $$values (0::bigint, '-infinity'::timestamptz)$$,
    'another user''s counters stay');

-- What deleted rows leave.
select results_eq(
    $$select session_epoch, tokens_valid_after, removed_at from novatune.removed_users where user_id = pg_temp.ulid(1)$$,
    $$values (20::bigint, '2026-01-09 12:00:00+00'::timestamptz, now())$$, 'a deleted user leaves the counters');
select results_eq(
    $$select version, removed_at from novatune.removed_tracks where track_id = pg_temp.ulid(11)$$,
    $$values (5::bigint, now())$$, 'a deleted track leaves its version');

-- A row whose insert did not see the deletion is refused; tests/concurrency has two transactions.
alter table novatune.users disable trigger users_continue;
alter table novatune.tracks disable trigger tracks_continue;
delete from novatune.tracks;
select throws_ok(
    $$with gone as (delete from novatune.users where user_id = pg_temp.ulid(1) returning user_id)
      insert into novatune.users (user_id, session_epoch) select user_id, 21 from gone$$,
    '40001', 'user 00000000000000000000000001 was deleted while it was inserted', 'an epoch that was used is refused');
select throws_ok(
    $$with gone as (delete from novatune.users where user_id = pg_temp.ulid(1) returning user_id)
      insert into novatune.users (user_id, session_epoch) select user_id, 22 from gone$$,
    '40001', null, 'so is an earlier tokens_valid_after');
select throws_ok(
    $$insert into novatune.tracks (track_id, user_id, title, object_key, mime_type, file_size_bytes, version)
      values (pg_temp.ulid(11), pg_temp.ulid(2), 'Song', 'k', 'audio/mpeg', 1, 6)$$,
    '40001', 'track 00000000000000000000000011 was deleted while it was inserted', 'so is a version that was used');

select throws_ok(format('truncate novatune.%I', name), '23001', null, name || ' may not be truncated')
  from unnest('{removed_users,removed_tracks}'::text[]) as name;

select * from finish();
rollback;
