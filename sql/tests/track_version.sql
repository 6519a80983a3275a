begin;
\ir shared/setup.sql

select plan(27);

insert into novatune.users (user_id) values (pg_temp.ulid(1)), (pg_temp.ulid(2));
insert into novatune.tracks (track_id, user_id, title, object_key, mime_type, file_size_bytes, updated_at)
values (pg_temp.ulid(1), pg_temp.ulid(1), 'Song', 'audio/1.mp3', 'audio/mpeg', 1, '2000-01-01'),
       (pg_temp.ulid(2), pg_temp.ulid(1), 'Song', 'audio/2.mp3', 'audio/mpeg', 1, '2000-01-01');

create function pg_temp.version(number bigint) returns bigint
    language sql
    begin atomic
        select version from novatune.tracks where track_id = pg_temp.ulid(number);
    end;

update novatune.tracks
   set user_id = user_id, object_key = object_key, mime_type = mime_type,
       file_size_bytes = file_size_bytes, status = status
 where track_id = pg_temp.ulid(1);
select is(pg_temp.version(1), 1::bigint, 'an update that changes nothing does not raise the version');
select is((select updated_at from novatune.tracks where track_id = pg_temp.ulid(1)), '2000-01-01'::timestamptz,
    'nor does it touch updated_at');

update novatune.tracks set title = 'Another title' where track_id = pg_temp.ulid(1);
select is(pg_temp.version(1), 1::bigint, 'another title does not raise the version');
select is((select updated_at from novatune.tracks where track_id = pg_temp.ulid(1)), now(), 'but sets updated_at');

update novatune.tracks set user_id = pg_temp.ulid(2) where track_id = pg_temp.ulid(1);
select is(pg_temp.version(1), 2::bigint, 'another owner raises the version');
update novatune.tracks set object_key = 'audio/1b.mp3' where track_id = pg_temp.ulid(1);
select is(pg_temp.version(1), 3::bigint, 'another object key raises the version');
update novatune.tracks set mime_type = 'audio/ogg' where track_id = pg_temp.ulid(1);
select is(pg_temp.version(1), 4::bigint, 'another MIME type raises the version');
update novatune.tracks set file_size_bytes = 2 where track_id = pg_temp.ulid(1);
select is(pg_temp.version(1), 5::bigint, 'another size raises the version');
update novatune.tracks set status = 'Ready' where track_id = pg_temp.ulid(1);
select is(pg_temp.version(1), 6::bigint, 'another status raises the version');
update novatune.tracks set status = 'Deleted' where track_id = pg_temp.ulid(1);
select is(pg_temp.version(1), 7::bigint, 'so does a deletion');
update novatune.tracks set status = 'Ready', file_size_bytes = 3 where track_id = pg_temp.ulid(1);
select is(pg_temp.version(1), 8::bigint, 'two reasons in one update raise it once');
update novatune.tracks set waveform_object_key = 'waveforms/2.json' where track_id = pg_temp.ulid(2);
select is(pg_temp.version(2), 2::bigint, 'a waveform raises the version');
update novatune.tracks set waveform_object_key = 'waveforms/2b.json' where track_id = pg_temp.ulid(2);
select is(pg_temp.version(2), 3::bigint, 'so does another one');
update novatune.tracks set waveform_object_key = waveform_object_key where track_id = pg_temp.ulid(2);
select is(pg_temp.version(2), 3::bigint, 'the same one does not');
update novatune.tracks set waveform_object_key = null where track_id = pg_temp.ulid(2);
select is(pg_temp.version(2), 4::bigint, 'so does its removal');

select throws_ok(format('update novatune.tracks set version = %s where track_id = pg_temp.ulid(1)', assignment),
    '23514', null, format('version = %s is refused', assignment))
  from unnest('{9,100,version + 1}'::text[]) as assignment;
select throws_ok(format('update novatune.tracks set title = ''Late'', version = %s where track_id = pg_temp.ulid(1)', assignment),
    '40001', 'track 00000000000000000000000001 is at version 8, not at ' || named,
    format('version = %s is refused: another writer was faster', assignment))
  from (values ('1', '1'), ('7', '7'), ('version - 1', '7')) as stale (assignment, named);
select throws_ok(
    $$update novatune.tracks set version = 9, status = 'Failed' where track_id = pg_temp.ulid(1)$$,
    '23514', null, 'setting it by hand is refused together with a change too');
select lives_ok(
    $$update novatune.tracks set version = 8, title = 'Song' where track_id = pg_temp.ulid(1)$$,
    'writing back the version that was read is no change');
select is(pg_temp.version(1), 8::bigint, 'refused updates leave the version');

select throws_ok(
    format($$insert into novatune.tracks (track_id, user_id, title, object_key, mime_type, file_size_bytes, version)
             values (pg_temp.ulid(3), pg_temp.ulid(1), 'Song', 'k', 'audio/mpeg', 1, %s)$$, version),
    '23514', format('track 00000000000000000000000003 may not begin with the version %s', version),
    format('a track cannot begin with the version %s, behind which there is no room', version))
  from unnest('{9223372036854775807,9007199254740992}'::bigint[]) as version;

select is(pg_temp.version(2), 4::bigint, 'another track''s version stays');

select * from finish();
rollback;
