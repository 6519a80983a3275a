begin;
\ir shared/setup.sql

select plan(15);

insert into novatune.users (user_id)
select pg_temp.ulid(number) from generate_series(1, 4) as number;
insert into novatune.tracks (track_id, user_id, title, object_key, mime_type, file_size_bytes)
values (pg_temp.ulid(1), pg_temp.ulid(1), 'Song', 'audio/1.mp3', 'audio/mpeg', 1);

select col_is_pk('novatune', 'track_grants', array['track_id', 'grantee_id'], 'one grant for a track and a user');
select fk_ok('novatune', 'track_grants', 'track_id', 'novatune', 'tracks', 'track_id', 'track_id names a track');
select fk_ok('novatune', 'track_grants', 'grantee_id', 'novatune', 'users', 'user_id', 'grantee_id names a user');
select fk_ok('novatune', 'track_grants', 'granted_by', 'novatune', 'users', 'user_id', 'granted_by names a user');
select has_index('novatune', 'track_grants', 'track_grants_grantee_id_idx', array['grantee_id', 'track_id'],
    'a user''s grants are found by an index');

insert into novatune.track_grants (track_id, grantee_id) values (pg_temp.ulid(1), pg_temp.ulid(2));
select results_eq(
    $$select expires_at, granted_by::text, created_at from novatune.track_grants
       where grantee_id = pg_temp.ulid(2)$$,
    $$values (null::timestamptz, null::text, now())$$,
    'a grant needs only track and grantee, and then never expires');
select lives_ok(
    $$insert into novatune.track_grants (track_id, grantee_id, expires_at, granted_by)
      values (pg_temp.ulid(1), pg_temp.ulid(3), now() + interval '1 day', pg_temp.ulid(4))$$,
    'a grant may name its end and its giver');

select throws_ok(
    $$insert into novatune.track_grants (track_id, grantee_id) values (pg_temp.ulid(1), pg_temp.ulid(2))$$,
    '23505', null, 'the same grant twice is refused');
select throws_ok(
    $$insert into novatune.track_grants (track_id, grantee_id) values (pg_temp.ulid(9), pg_temp.ulid(2))$$,
    '23503', null, 'a grant on an unknown track is refused');
select throws_ok(
    $$insert into novatune.track_grants (track_id, grantee_id) values (pg_temp.ulid(1), pg_temp.ulid(9))$$,
    '23503', null, 'a grant to an unknown user is refused');
select throws_ok(
    $$insert into novatune.track_grants (track_id, grantee_id, granted_by)
      values (pg_temp.ulid(1), pg_temp.ulid(4), pg_temp.ulid(9))$$,
    '23503', null, 'a grant by an unknown user is refused');

delete from novatune.users where user_id = pg_temp.ulid(4);
select results_eq(
    $$select granted_by::text from novatune.track_grants where grantee_id = pg_temp.ulid(3)$$,
    $$values (null::text)$$,
    'a grant outlives the account of its giver');

delete from novatune.users where user_id = pg_temp.ulid(3);
select is_empty(
    $$select from novatune.track_grants where grantee_id = pg_temp.ulid(3)$$,
    'a grant ends with the account of its grantee');
select is((select count(*)::int from novatune.track_grants where track_id = pg_temp.ulid(1)), 1,
    'other grants stay');

delete from novatune.tracks where track_id = pg_temp.ulid(1);
select is_empty(
    $$select from novatune.track_grants where track_id = pg_temp.ulid(1)$$,
    'a grant ends with its track');

select * from finish();
rollback;
