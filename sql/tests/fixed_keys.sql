begin;
\ir shared/setup.sql

select plan(11);

insert into novatune.users (user_id) values (pg_temp.ulid(1)), (pg_temp.ulid(2));
insert into novatune.tracks (track_id, user_id, title, object_key, mime_type, file_size_bytes)
values (pg_temp.ulid(1), pg_temp.ulid(1), 'Song', 'k', 'audio/mpeg', 1),
       (pg_temp.ulid(2), pg_temp.ulid(1), 'Song', 'k', 'audio/mpeg', 1);
insert into novatune.track_grants (track_id, grantee_id) values (pg_temp.ulid(1), pg_temp.ulid(2));

select throws_ok(statement, '23514', format('the key of a row of novatune.%s may not be changed', name), statement)
  from (values
    ('users',        'update novatune.users set user_id = pg_temp.ulid(9) where user_id = pg_temp.ulid(2)'),
    ('tracks',       'update novatune.tracks set track_id = pg_temp.ulid(9) where track_id = pg_temp.ulid(2)'),
    ('track_grants', 'update novatune.track_grants set track_id = pg_temp.ulid(2)'),
    ('track_grants', 'update novatune.track_grants set grantee_id = pg_temp.ulid(1)')
  ) as changes (name, statement);
select lives_ok('update novatune.users set user_id = user_id, status = ''Suspended''',
    'writing the same key back is no change');

select throws_ok(format('truncate novatune.%I cascade', name), '23001', null, name || ' may not be truncated')
  from unnest('{users,tracks,track_grants,user_identities,history,history_heads}'::text[]) as name;

select * from finish();
rollback;
