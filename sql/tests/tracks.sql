begin;
\ir shared/setup.sql

select plan(111);

insert into novatune.users (user_id) values (pg_temp.ulid(1));

create function pg_temp.insert_track(
    title text default 'Song',
    object_key text default 'audio/song.mp3',
    mime_type text default 'audio/mpeg',
    file_size_bytes bigint default 1,
    waveform_object_key text default null
) returns void
    language sql
    begin atomic
        insert into novatune.tracks (track_id, user_id, title, object_key, mime_type, file_size_bytes, waveform_object_key)
        values (lpad((select count(*) + 100 from novatune.tracks)::text, 26, '0'), pg_temp.ulid(1),
                title, object_key, mime_type, file_size_bytes, waveform_object_key);
    end;

-- Expects a check's name where a value is to be refused, null where it is fine.
create function pg_temp.judges(argument text, value text, refused_by text, condition text) returns text
    language sql
    return case
        when refused_by is null
        then lives_ok(format('select pg_temp.insert_track(%I => %L)', argument, value), condition || ' is accepted')
        else throws_ok(format('select pg_temp.insert_track(%I => %L)', argument, value), '23514',
            format('new row for relation "tracks" violates check constraint "%s"', refused_by), condition || ' is refused')
    end;

select enum_has_labels('novatune', 'track_status',
    array['Processing', 'Ready', 'Failed', 'Deleted'], 'statuses are spelled as in the API');
select col_is_pk('novatune', 'tracks', 'track_id', 'track_id is the primary key');
select fk_ok('novatune', 'tracks', 'user_id', 'novatune', 'users', 'user_id', 'user_id names a user');
select has_index('novatune', 'tracks', 'tracks_user_id_idx', array['user_id'],
    'a user''s tracks are found by an index');

insert into novatune.tracks (track_id, user_id, title, object_key, mime_type, file_size_bytes)
values (pg_temp.ulid(1), pg_temp.ulid(1), 'Song', 'audio/song.mp3', 'audio/mpeg', 15728640);
select results_eq(
    $$select status::text, version, waveform_object_key, created_at, updated_at
        from novatune.tracks where track_id = pg_temp.ulid(1)$$,
    $$values ('Processing', 1::bigint, null::text, now(), now())$$,
    'an insert needs only what has no sensible default');
select lives_ok(
    $$insert into novatune.tracks (track_id, user_id, title, object_key, mime_type, file_size_bytes, status)
      values (pg_temp.ulid(2), pg_temp.ulid(1), 'Song', 'audio/song.mp3', 'audio/mpeg', 15728640, 'Ready')$$,
    'an insert may name the status');

select pg_temp.judges(argument, value, replace(refused_by, 'object_key', argument),
                      argument || ' with ' || condition)
  from unnest('{object_key,waveform_object_key}'::text[]) as argument, (values
    ('a plain name',                       'song.mp3',                  null),
    ('segments',                           'audio/2026/song.mp3',       null),
    ('spaces, signs and other scripts',    'audio/Ein Lied + 100%/歌.mp3', null),
    ('a dot file',                         'audio/.hidden',             null),
    ('three dots',                         'audio/.../song',            null),
    ('two dots inside a name',             'audio/song..mp3',           null),
    ('a trailing dot',                     'audio/song.',               null),
    ('À, whose UTF-8 ends in byte 80',     'audio/À.mp3',               null),
    ('1024 bytes',                         repeat('k', 1024),           null),
    ('1024 bytes in 512 characters',       repeat('é', 512),            null),
    ('nothing in it',                      '',                          'tracks_object_key_not_empty'),
    ('a leading slash',                    '/audio/song.mp3',           'tracks_object_key_no_leading_slash'),
    ('only a slash',                       '/',                         'tracks_object_key_no_leading_slash'),
    ('only "."',                           '.',                         'tracks_object_key_no_dot_segments'),
    ('only ".."',                          '..',                        'tracks_object_key_no_dot_segments'),
    ('a first segment "."',                './song.mp3',                'tracks_object_key_no_dot_segments'),
    ('a first segment ".."',               '../song.mp3',               'tracks_object_key_no_dot_segments'),
    ('a segment "." inside',               'audio/./song.mp3',          'tracks_object_key_no_dot_segments'),
    ('a segment ".." inside',              'audio/../song.mp3',         'tracks_object_key_no_dot_segments'),
    ('a last segment "."',                 'audio/.',                   'tracks_object_key_no_dot_segments'),
    ('a last segment ".."',                'audio/..',                  'tracks_object_key_no_dot_segments'),
    ('1025 bytes',                         repeat('k', 1025),           'tracks_object_key_at_most_1024_bytes'),
    ('1026 bytes in 513 characters',       repeat('é', 513),            'tracks_object_key_at_most_1024_bytes'),
    ('U+0001',                             E'audio/\u0001.mp3',         'tracks_object_key_no_control_characters'),
    ('a tab',                              E'audio/\t.mp3',             'tracks_object_key_no_control_characters'),
    ('a line feed inside',                 E'audio/\n.mp3',             'tracks_object_key_no_control_characters'),
    ('a line feed at its end',             E'audio/song.mp3\n',         'tracks_object_key_no_control_characters'),
    ('U+001F',                             E'audio/\u001F.mp3',         'tracks_object_key_no_control_characters'),
    ('U+007F',                             E'audio/\u007F.mp3',         'tracks_object_key_no_control_characters'),
    ('U+0080',                             E'audio/\u0080.mp3',         'tracks_object_key_no_control_characters'),
    ('U+009F',                             E'audio/\u009F.mp3',         'tracks_object_key_no_control_characters')
  ) as keys (condition, value, refused_by);

select pg_temp.judges('mime_type', value, refused_by, condition)
  from (values
    ('audio/mpeg',                         'audio/mpeg',                null),
    ('a structured suffix',                'audio/vnd.example.x+xml',   null),
    ('capitals',                           'Audio/MPEG',                null),
    ('every sign of a token',              '!#$%&''*+-.^_`|~09/azAZ',   null),
    ('the shortest type',                  'a/b',                       null),
    ('a type of 127 bytes',                'audio/' || repeat('x', 121), null),
    ('a type of 128 bytes',                'audio/' || repeat('x', 122), 'tracks_mime_type_length'),
    ('an empty type',                      '',                          'tracks_mime_type_length'),
    ('only a slash',                       '/',                         'tracks_mime_type_length'),
    ('no slash',                           'audio',                     'tracks_mime_type_type_and_subtype'),
    ('nothing before the slash',           '/mpeg',                     'tracks_mime_type_type_and_subtype'),
    ('nothing after the slash',            'audio/',                    'tracks_mime_type_type_and_subtype'),
    ('two slashes',                        'audio/mpeg/3',              'tracks_mime_type_type_and_subtype'),
    ('a parameter',                        'audio/ogg; codecs=opus',    'tracks_mime_type_type_and_subtype'),
    ('a parameter without a space',        'audio/ogg;codecs=opus',     'tracks_mime_type_type_and_subtype'),
    ('a leading space',                    ' audio/mpeg',               'tracks_mime_type_type_and_subtype'),
    ('a trailing space',                   'audio/mpeg ',               'tracks_mime_type_type_and_subtype'),
    ('a space inside',                     'audio/ mpeg',               'tracks_mime_type_type_and_subtype'),
    ('a list',                             'audio/mpeg,audio/ogg',      'tracks_mime_type_type_and_subtype'),
    ('a quotation mark',                   'audio/"mpeg"',              'tracks_mime_type_type_and_subtype'),
    ('a line feed at the end',             E'audio/mpeg\n',             'tracks_mime_type_type_and_subtype'),
    ('a header smuggled in',               E'audio/mpeg\r\nX-A: b',     'tracks_mime_type_type_and_subtype'),
    ('a letter outside ASCII',             'audio/mpég',                'tracks_mime_type_type_and_subtype')
  ) as types (condition, value, refused_by);

select pg_temp.judges('file_size_bytes', value, refused_by, 'a size of ' || value)
  from (values ('1', null), ('5497558138880', null),
               ('0', 'tracks_file_size_bytes_positive'),
               ('-1', 'tracks_file_size_bytes_positive')) as sizes (value, refused_by);

select pg_temp.judges('title', '', 'tracks_title_not_empty', 'an empty title');

select throws_ok(
    $$insert into novatune.tracks (track_id, user_id, title, object_key, mime_type, file_size_bytes)
      values ('01arz3ndektsv4rrffq69g5fav', pg_temp.ulid(1), 'Song', 'k', 'audio/mpeg', 1)$$,
    '23514', null, 'a lower-case track_id is refused');
select throws_ok(
    $$insert into novatune.tracks (track_id, user_id, title, object_key, mime_type, file_size_bytes)
      values (pg_temp.ulid(3), pg_temp.ulid(9), 'Song', 'k', 'audio/mpeg', 1)$$,
    '23503', null, 'a track of an unknown user is refused');
select throws_ok(
    $$insert into novatune.tracks (track_id, user_id, title, object_key, mime_type, file_size_bytes)
      values (pg_temp.ulid(1), pg_temp.ulid(1), 'Song', 'k', 'audio/mpeg', 1)$$,
    '23505', null, 'the same track twice is refused');
select throws_ok(
    $$insert into novatune.tracks (track_id, user_id, title, object_key, mime_type, file_size_bytes, version)
      values (pg_temp.ulid(3), pg_temp.ulid(1), 'Song', 'k', 'audio/mpeg', 1, 0)$$,
    '23514', null, 'version 0 is refused');
select throws_ok(
    $$delete from novatune.users where user_id = pg_temp.ulid(1)$$,
    '23503', null, 'a user with tracks cannot be deleted');

select throws_ok(format('update novatune.tracks set %I = null where track_id = pg_temp.ulid(1)', name),
    '23502', null, name || ' is never null')
  from unnest('{track_id,user_id,title,object_key,mime_type,file_size_bytes,status,created_at}'::text[]) as name;

select is((select count(*)::int from pg_constraint
            where connamespace = 'novatune'::regnamespace and conname ~ '_(check|key)\d*$'), 0,
    'no constraint bears a name that PostgreSQL made up');
select is((select count(*)::int from pg_trigger t join pg_class c on c.oid = t.tgrelid
            where c.relnamespace = 'novatune'::regnamespace and not tgisinternal and tgenabled <> 'O'), 0,
    'no trigger is switched off');

select * from finish();
rollback;
