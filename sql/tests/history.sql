begin;
\ir shared/setup.sql

select plan(37);

create function pg_temp.events(kind novatune.subject_kind, number bigint) returns setof text
    language sql
    begin atomic
        select concat_ws(' ', position, event, old_values, '->', new_values)
          from novatune.history
         where (subject_kind, subject_id) = (kind, pg_temp.ulid(number))
         order by position;
    end;

-- What each change leaves.
insert into novatune.users (user_id) values (pg_temp.ulid(1)), (pg_temp.ulid(2)), (pg_temp.ulid(3));
update novatune.users set status = 'Suspended' where user_id = pg_temp.ulid(1);
update novatune.users set created_at = '2026-01-01' where user_id = pg_temp.ulid(1);
update novatune.users set status = status where user_id = pg_temp.ulid(1);
update novatune.users set tokens_valid_after = '2026-01-08 12:00:00+00' where user_id = pg_temp.ulid(1);
update novatune.users set session_epoch = 9 where user_id = pg_temp.ulid(1);
select results_eq(
    $$select pg_temp.events('user', 1)$$,
    array[
        '1 created -> {"status": "Active", "session_epoch": 0, "tokens_valid_after": "-infinity"}',
        '2 status {"status": "Active"} -> {"status": "Suspended"}',
        '3 session {"session_epoch": 1, "tokens_valid_after": "-infinity"} -> {"session_epoch": 2, "tokens_valid_after": "2026-01-08T12:00:00+00:00"}',
        '4 session {"session_epoch": 2, "tokens_valid_after": "2026-01-08T12:00:00+00:00"} -> {"session_epoch": 9, "tokens_valid_after": "2026-01-08T12:00:00+00:00"}'],
    'a user''s changes of status and sessions are there, others are not');

insert into novatune.tracks (track_id, user_id, title, object_key, mime_type, file_size_bytes)
values (pg_temp.ulid(1), pg_temp.ulid(2), 'CANARY title', 'k', 'audio/mpeg', 1);
update novatune.tracks set status = 'Ready', object_key = 'k2' where track_id = pg_temp.ulid(1);
update novatune.tracks set user_id = pg_temp.ulid(3), title = 'CANARY other title' where track_id = pg_temp.ulid(1);
insert into novatune.track_grants (track_id, grantee_id) values (pg_temp.ulid(1), pg_temp.ulid(2));
update novatune.track_grants set expires_at = '2026-02-01 00:00:00+00', granted_by = pg_temp.ulid(1);
update novatune.track_grants set created_at = '2026-01-01';
delete from novatune.users where user_id = pg_temp.ulid(1);
delete from novatune.tracks where track_id = pg_temp.ulid(1);
select results_eq(
    $$select pg_temp.events('track', 1)$$,
    array[
        '1 created -> {"status": "Processing", "user_id": "00000000000000000000000002", "version": 1, "mime_type": "audio/mpeg", "object_key": "k", "file_size_bytes": 1}',
        '2 status {"status": "Processing"} -> {"status": "Ready"}',
        '3 object {"mime_type": "audio/mpeg", "object_key": "k", "file_size_bytes": 1} -> {"mime_type": "audio/mpeg", "object_key": "k2", "file_size_bytes": 1}',
        '4 owner {"user_id": "00000000000000000000000002"} -> {"user_id": "00000000000000000000000003"}',
        '5 grant -> {"expires_at": null, "granted_by": null, "grantee_id": "00000000000000000000000002"}',
        '6 grant {"expires_at": null, "granted_by": null, "grantee_id": "00000000000000000000000002"} -> {"expires_at": "2026-02-01T00:00:00+00:00", "granted_by": "00000000000000000000000001", "grantee_id": "00000000000000000000000002"}',
        '7 grant {"expires_at": "2026-02-01T00:00:00+00:00", "granted_by": "00000000000000000000000001", "grantee_id": "00000000000000000000000002"} -> {"expires_at": "2026-02-01T00:00:00+00:00", "granted_by": null, "grantee_id": "00000000000000000000000002"}',
        '8 removed {"status": "Ready", "user_id": "00000000000000000000000003", "version": 3, "mime_type": "audio/mpeg", "object_key": "k2", "file_size_bytes": 1} ->',
        '9 grant {"expires_at": "2026-02-01T00:00:00+00:00", "granted_by": null, "grantee_id": "00000000000000000000000002"} ->'],
    'a track''s changes and those of its grants are there, also what foreign keys did');
insert into novatune.tracks (track_id, user_id, title, object_key, mime_type, file_size_bytes, waveform_object_key)
values (pg_temp.ulid(4), pg_temp.ulid(2), 'Song', 'k', 'audio/mpeg', 1, 'w');
update novatune.tracks set waveform_object_key = 'w2' where track_id = pg_temp.ulid(4);
update novatune.tracks set waveform_object_key = null where track_id = pg_temp.ulid(4);
delete from novatune.tracks where track_id = pg_temp.ulid(4);
select results_eq(
    $$select pg_temp.events('track', 4)$$,
    array[
        '1 created -> {"status": "Processing", "user_id": "00000000000000000000000002", "version": 1, "mime_type": "audio/mpeg", "object_key": "k", "file_size_bytes": 1, "waveform_object_key": "w"}',
        '2 object {"mime_type": "audio/mpeg", "object_key": "k", "file_size_bytes": 1, "waveform_object_key": "w"} -> {"mime_type": "audio/mpeg", "object_key": "k", "file_size_bytes": 1, "waveform_object_key": "w2"}',
        '3 object {"mime_type": "audio/mpeg", "object_key": "k", "file_size_bytes": 1, "waveform_object_key": "w2"} -> {"mime_type": "audio/mpeg", "object_key": "k", "file_size_bytes": 1}',
        '4 removed {"status": "Processing", "user_id": "00000000000000000000000002", "version": 3, "mime_type": "audio/mpeg", "object_key": "k", "file_size_bytes": 1} ->'],
    'so are those of its waveform');
select is_empty($$select from novatune.history where history::text like '%CANARY%'$$, 'no title is');
select is((select event from novatune.history where (subject_kind, subject_id) = ('user', pg_temp.ulid(1)) order by position desc limit 1),
    'removed', 'a removed user leaves a last row');

-- Who, when and why.
select is((select array_agg(distinct changed_by) from novatune.history), array[session_user::text],
    'each row names the session''s user');
select ok((select bool_and(changed_at between now() and clock_timestamp()) from novatune.history
            where (subject_kind, subject_id) = ('track', pg_temp.ulid(1))), 'and when it was made');
set local novatune.actor = 'ann@desk';
set local novatune.reason = 'spam';
update novatune.users set status = 'Suspended' where user_id = pg_temp.ulid(2);
set local novatune.actor = '';
set local novatune.reason = '';
update novatune.users set status = 'Active' where user_id = pg_temp.ulid(2);
select results_eq(
    $$select actor, reason from novatune.history where (subject_kind, subject_id) = ('user', pg_temp.ulid(2)) order by position$$,
    $$values (null::text, null::text), ('ann@desk', 'spam'), (null, null)$$,
    'actor and reason are those that were set, or none');
select lives_ok(format('set local novatune.reason = %L', repeat('é', 5000)), 'a reason may be long');
update novatune.users set status = 'Disabled' where user_id = pg_temp.ulid(2);
select is((select max(length(reason)) from novatune.history), 500, 'and is cut');
set local novatune.reason = '';

-- A chain that no statement edits has no faults, with any setting of the session.
select is_empty('select * from novatune.find_history_faults()', 'untouched history has no faults');
set local timezone = 'Asia/Kathmandu';
set local datestyle = 'German, DMY';
set local extra_float_digits = -5;
set local bytea_output = 'escape';
set local search_path = pg_temp, novatune, public;
select is_empty('select * from novatune.find_history_faults()', 'nor in another session''s settings');
reset timezone; reset datestyle; reset extra_float_digits; reset bytea_output; reset search_path;

-- Faults. Each in a savepoint of its own.
create function pg_temp.faults_after(statement text) returns setof text
    language plpgsql
as $$
declare
    found_faults text[];
begin
    begin
        execute statement;
        found_faults := array(
            select position || ': ' || fault from novatune.find_history_faults('track', pg_temp.ulid(1)) order by position, fault);
        raise exception using errcode = 'NT001';
    exception
        when sqlstate 'NT001' then null;
    end;
    return query select * from unnest(found_faults);
end
$$;

select results_eq(
    format($$select pg_temp.faults_after('update novatune.history set %s where position = 3 and subject_kind = ''track''')$$, replace(assignment, '''', '''''')),
    array['3: the row was edited'], 'found: ' || assignment)
  from unnest(array[
      'changed_at = changed_at - interval ''1 microsecond''', 'changed_by = ''other''', 'actor = ''other''', 'event = ''owner''',
      'old_values = ''{}''', 'new_values = null', 'reason = ''none''']) as assignment;
select results_eq(
    $$select pg_temp.faults_after('update novatune.history set hash = sha256('''') where position = 3 and subject_kind = ''track''')$$,
    array['3: the row was edited', '4: the row does not follow the one before it'], 'found: another hash');
select results_eq(
    $$select pg_temp.faults_after('update novatune.history h set reason = ''forged'', hash = novatune.history_hash((
        h.subject_kind, h.subject_id, h.position, h.changed_at, h.changed_by, h.actor, h.event, h.old_values, h.new_values,
        ''forged'', h.previous_hash, h.hash)::novatune.history) where position = 3 and subject_kind = ''track''')$$,
    array['4: the row does not follow the one before it'], 'found: an edited row with its own right hash');
select results_eq(
    $$select pg_temp.faults_after('update novatune.history h set reason = ''forged'', hash = novatune.history_hash((
        h.subject_kind, h.subject_id, h.position, h.changed_at, h.changed_by, h.actor, h.event, h.old_values, h.new_values,
        ''forged'', h.previous_hash, h.hash)::novatune.history) where position = 9 and subject_kind = ''track''')$$,
    array['9: the head does not fit the last row'], 'found: the same in the last row');
select results_eq(
    format($$select pg_temp.faults_after('delete from novatune.history where subject_kind = ''track'' and %s')$$, rows),
    faults, 'found: rows missing, ' || rows)
  from (values
    ('position = 1',        array['2: 1 row(s) before it are missing']),
    ('position = 4',        array['5: 1 row(s) before it are missing']),
    ('position in (4, 5)',  array['6: 2 row(s) before it are missing']),
    ('position = 9',        array['9: 1 row(s) at the end are missing']),
    ('position > 0',        array['9: 9 row(s) at the end are missing'])
  ) as gaps (rows, faults);
select results_eq(
    $$select pg_temp.faults_after('update novatune.history set position = case position when 4 then 104 else 4 end
        where position in (4, 5) and subject_kind = ''track''; update novatune.history set position = 5 where position = 104')$$,
    array['4: the row does not follow the one before it', '4: the row was edited',
          '5: the row does not follow the one before it', '5: the row was edited', '6: the row does not follow the one before it'],
    'found: swapped rows');
select results_eq(
    $$select pg_temp.faults_after('insert into novatune.history select subject_kind, subject_id, 10, changed_at, changed_by, actor, event,
        old_values, new_values, reason, previous_hash, hash from novatune.history where position = 9 and subject_kind = ''track''')$$,
    array['9: the head does not fit the last row', '10: the row does not follow the one before it', '10: the row was edited'],
    'found: a row that was added');
select results_eq(
    $$select pg_temp.faults_after('delete from novatune.history_heads where subject_kind = ''track''')$$,
    array['9: the head is missing'], 'found: a missing head');
select results_eq(
    $$select pg_temp.faults_after('update novatune.history_heads set position = 8 where subject_kind = ''track''')$$,
    array['8: the head does not fit the last row'], 'found: an edited head');
select is_empty('select * from novatune.find_history_faults()', 'and each was put back');

-- Rows that come back.
insert into novatune.tracks (track_id, user_id, title, object_key, mime_type, file_size_bytes, status)
values (pg_temp.ulid(1), pg_temp.ulid(3), 'Song', 'k', 'audio/mpeg', 1, 'Ready');
select is((select version from novatune.tracks where track_id = pg_temp.ulid(1)), 4::bigint,
    'a track that comes back begins behind the version of before');
insert into novatune.users (user_id, tokens_valid_after) values (pg_temp.ulid(1), '2026-01-01');
select results_eq(
    'select session_epoch, tokens_valid_after from novatune.users where user_id = pg_temp.ulid(1)',
    $$values (10::bigint, '2026-01-08 12:00:00+00'::timestamptz)$$,
    'a user who comes back begins behind the epoch and the logout of before');
insert into novatune.users (user_id) values (pg_temp.ulid(77));
select results_eq(
    'select session_epoch, tokens_valid_after from novatune.users where user_id = pg_temp.ulid(77)',
    $$values (0::bigint, '-infinity'::timestamptz)$$, 'a new one begins at the beginning');
select is(
    (select position from novatune.history where (subject_kind, subject_id) = ('track', pg_temp.ulid(1)) order by position desc limit 1),
    10::bigint, 'and the chain goes on');
select is_empty('select * from novatune.find_history_faults()', 'without a fault');

select * from finish();
rollback;
