begin;
\ir shared/setup.sql

select plan(56);

insert into novatune.users (user_id) values (pg_temp.ulid(1));

create function pg_temp.insert_track(number bigint, status novatune.track_status) returns void
    language sql
    begin atomic
        insert into novatune.tracks (track_id, user_id, title, object_key, mime_type, file_size_bytes, status)
        values (pg_temp.ulid(number), pg_temp.ulid(1), 'Song', 'audio/' || number, 'audio/mpeg', 1, status);
    end;
create function pg_temp.status(number bigint) returns text
    language sql
    begin atomic
        select status::text from novatune.tracks where track_id = pg_temp.ulid(number);
    end;
-- A track that is Deleted was something before.
create function pg_temp.track_that_is(number bigint, status novatune.track_status, before novatune.track_status)
    returns void
    language plpgsql
as $$
begin
    perform pg_temp.insert_track(number, case status when 'Deleted' then before else status end);
    if status = 'Deleted' then
        update novatune.tracks set status = 'Deleted' where track_id = pg_temp.ulid(number);
    end if;
end
$$;

-- All 16 pairs; from Deleted once for each status before.
create temporary table pairs on commit drop as
select row_number() over () as number, f as from_status, t as to_status, b as before,
       f = t
       or (f, t) in (('Processing', 'Ready'), ('Processing', 'Failed'), ('Processing', 'Deleted'),
                     ('Failed', 'Processing'), ('Failed', 'Deleted'), ('Ready', 'Deleted'))
       or f = 'Deleted' and t = b as is_legal,
       case f when 'Processing' then 'Ready or Failed or Deleted' when 'Failed' then 'Processing or Deleted'
              when 'Ready' then 'Deleted' else b::text end as legal
  from unnest(enum_range(null::novatune.track_status)) as f,
       unnest(enum_range(null::novatune.track_status)) as t,
       unnest(enum_range(null::novatune.track_status)) as b
 where b <> 'Deleted' and (f = 'Deleted' or b = 'Processing');
select pg_temp.track_that_is(number, from_status, before) from pairs;

select lives_ok(
           format('update novatune.tracks set status = %L where track_id = pg_temp.ulid(%s)', to_status, number),
           format('%s may go to %s, before that %s', from_status, to_status, before))
  from pairs
 where is_legal;
select throws_ok(
           format('update novatune.tracks set status = %L where track_id = pg_temp.ulid(%s)', to_status, number),
           '23514',
           format('track %s may not go from %s to %s: from %s it may go to %s',
                  pg_temp.ulid(number), from_status, to_status, from_status, legal),
           format('%s may not go to %s, before that %s', from_status, to_status, before))
  from pairs
 where not is_legal;
select is(pg_temp.status(number), case when is_legal then to_status else from_status end::text,
    format('pair %s ends as it should', number))
  from pairs
 where from_status = 'Deleted';

-- What a deletion leaves behind.
select pg_temp.insert_track(100, 'Ready');
update novatune.tracks set status = 'Deleted' where track_id = pg_temp.ulid(100);
select results_eq(
    'select deleted_at, scheduled_deletion_at, status_before_deletion::text
       from novatune.tracks where track_id = pg_temp.ulid(100)',
    $$values (now(), now() + interval '30 days', 'Ready')$$,
    'a deletion notes when, from what, and until when it can be taken back');
select throws_ok(
    format('update novatune.tracks set %s where track_id = pg_temp.ulid(100)', assignment),
    '23514', 'deletion of track 00000000000000000000000100 may not be set by hand', assignment || ' is refused')
  from unnest(array[
      'deleted_at = now() - interval ''1 day''', 'scheduled_deletion_at = ''infinity''', 'status_before_deletion = ''Failed''',
      'deleted_at = null', 'scheduled_deletion_at = now(), status = ''Ready''']) as assignment;
select lives_ok(
    'update novatune.tracks set deleted_at = deleted_at, title = ''Other'' where track_id = pg_temp.ulid(100)',
    'writing back what was read is no change');
update novatune.tracks set status = 'Ready' where track_id = pg_temp.ulid(100);
select results_eq(
    'select deleted_at, scheduled_deletion_at, status_before_deletion::text
       from novatune.tracks where track_id = pg_temp.ulid(100)',
    'values (null::timestamptz, null::timestamptz, null::text)',
    'a restored track has forgotten its deletion');

-- The grace.
update novatune.settings set deletion_grace = '0';
update novatune.tracks set status = 'Deleted' where track_id = pg_temp.ulid(100);
select lives_ok('update novatune.tracks set status = ''Ready'' where track_id = pg_temp.ulid(100)',
    'the last moment of the grace is in it');
alter table novatune.tracks disable trigger tracks_check_transition;
update novatune.tracks
   set status = 'Deleted', status_before_deletion = 'Ready',
       deleted_at = '2026-01-01 00:00:00+00', scheduled_deletion_at = '2026-01-31 00:00:00+00'
 where track_id = pg_temp.ulid(100);
alter table novatune.tracks enable trigger tracks_check_transition;
set local timezone = 'UTC';
select throws_ok(
    'update novatune.tracks set status = ''Ready'' where track_id = pg_temp.ulid(100)',
    '23514',
    'track 00000000000000000000000100 may not go from Deleted to Ready: it was deleted from Ready and could be restored until 2026-01-31 00:00:00+00',
    'after the grace a deletion stays');

-- The setting.
select throws_ok(statement, error, null, statement)
  from (values
    ('delete from novatune.settings',                                           '23001'),
    ('truncate novatune.settings',                                              '23001'),
    ('insert into novatune.settings default values',                            '23505'),
    ('insert into novatune.settings (only_row) values (false)',                 '23514'),
    ('update novatune.settings set deletion_grace = ''-1 second''',             '23514'),
    ('update novatune.settings set deletion_grace = ''11 years''',              '23514'),
    ('update novatune.settings set deletion_grace = null',                      '23502')
  ) as refused (statement, error);

-- Inserts.
update novatune.settings set deletion_grace = '7 days';
select pg_temp.insert_track(200, 'Deleted');
select results_eq(
    'select deleted_at, scheduled_deletion_at, status_before_deletion::text
       from novatune.tracks where track_id = pg_temp.ulid(200)',
    $$values (now(), now() + interval '7 days', 'Processing')$$,
    'a track that is inserted as Deleted gets what is missing, by the setting');
insert into novatune.tracks
    (track_id, user_id, title, object_key, mime_type, file_size_bytes, status, deleted_at, status_before_deletion)
values (pg_temp.ulid(201), pg_temp.ulid(1), 'Song', 'k', 'audio/mpeg', 1, 'Deleted', '2026-01-01 00:00:00+00', 'Ready');
select results_eq(
    'select deleted_at, scheduled_deletion_at, status_before_deletion::text
       from novatune.tracks where track_id = pg_temp.ulid(201)',
    $$values ('2026-01-01 00:00:00+00'::timestamptz, '2026-01-08 00:00:00+00'::timestamptz, 'Ready')$$,
    'an import keeps what it knows');
select throws_ok(
    $$insert into novatune.tracks (track_id, user_id, title, object_key, mime_type, file_size_bytes, status, deleted_at)
      values (pg_temp.ulid(202), pg_temp.ulid(1), 'Song', 'k', 'audio/mpeg', 1, 'Ready', now())$$,
    '23514', null, 'a Ready track was not deleted');

select * from finish();
rollback;
