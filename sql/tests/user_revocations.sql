begin;
\ir shared/setup.sql

select plan(59);

-- Of what the database has, nothing counts.
update novatune.settings set record_user_revocations = false;
delete from novatune.user_revocations;

insert into novatune.users (user_id) select pg_temp.ulid(n) from generate_series(1, 4) as n;
insert into novatune.tracks (track_id, user_id, title, object_key, waveform_object_key, mime_type, file_size_bytes, status)
values (pg_temp.ulid(11), pg_temp.ulid(1), 'Song', 'a', null, 'audio/mpeg', 1, 'Ready'),
       (pg_temp.ulid(12), pg_temp.ulid(1), 'Song', 'b', 'b.json', 'audio/mpeg', 1, 'Ready');

-- What was recorded since the last call, in order: user and epoch, or user and object.
create function pg_temp.recorded() returns text
    language sql
as $$
    with gone as (delete from novatune.user_revocations returning *)
    select coalesce(string_agg(user_id::bigint || ' ' || coalesce(session_epoch::text, object_key), ', '
                               order by user_id, object_key, position), '') from gone;
$$;

-- What waits, and stays.
create function pg_temp.waiting() returns bigint
    language sql
    return (select count(*) from novatune.user_revocations);

select col_default_is('novatune', 'settings', 'record_user_revocations', 'false',
    'nothing is recorded where no process would take it');
select novatune.suspend_user(pg_temp.ulid(2), 'x');
select novatune.reinstate_user(pg_temp.ulid(2), 'x');
select novatune.grant_access(pg_temp.ulid(11), pg_temp.ulid(2));
select novatune.revoke_access(pg_temp.ulid(11), pg_temp.ulid(2));
select is(pg_temp.recorded(), '', 'and so the table stays empty');
update novatune.settings set record_user_revocations = true;
select is(pg_temp.recorded(), '', 'also in the moment of the change');
create function pg_temp.epoch(number bigint) returns bigint
    language sql
    return (select session_epoch from novatune.users where user_id = pg_temp.ulid(number));

-- Sessions.
select novatune.suspend_user(pg_temp.ulid(1), 'x');
select is(pg_temp.recorded(), '1 0', 'a suspended user, with the epoch that the URLs have');
select novatune.reinstate_user(pg_temp.ulid(1), 'x');
select is(pg_temp.recorded(), '', 'a user who may stream again');
select novatune.logout_all(pg_temp.ulid(1), 'x');
select is(pg_temp.recorded(), '1 2', 'a logout everywhere');
select is(pg_temp.epoch(1), 3::bigint, 'URLs from then on have a later epoch');
update novatune.users set session_epoch = 99 where user_id = pg_temp.ulid(1);
select is(pg_temp.recorded(), '1 3', 'an epoch that is raised by hand');
update novatune.users set created_at = created_at where user_id = pg_temp.ulid(1);
select is(pg_temp.recorded(), '', 'an update that changes nothing');
update novatune.users set status = 'Disabled' where user_id = pg_temp.ulid(4);
update novatune.users set status = 'PendingDeletion' where user_id = pg_temp.ulid(4);
select is(pg_temp.recorded(), '4 0', 'any other status, once');
delete from novatune.users where user_id = pg_temp.ulid(4);
select is(pg_temp.recorded(), '', 'deleted after that');
delete from novatune.users where user_id = pg_temp.ulid(3);
select is(pg_temp.recorded(), '3 0', 'deleted while Active');
insert into novatune.users (user_id) values (pg_temp.ulid(3));
select cmp_ok(pg_temp.epoch(3), '>', 0::bigint, 'and inserted again: the epoch goes on');
savepoint before;
select novatune.suspend_user(pg_temp.ulid(1), 'x');
rollback to before;
select is(pg_temp.recorded(), '', 'a change that is rolled back');

-- Grants.
select novatune.grant_access(pg_temp.ulid(12), pg_temp.ulid(2));
select is(pg_temp.recorded(), '', 'a grant');
select novatune.revoke_access(pg_temp.ulid(12), pg_temp.ulid(2));
select is(pg_temp.waiting(), 2::bigint, 'a grant that is revoked: audio and waveform');
select novatune.grant_access(pg_temp.ulid(11), pg_temp.ulid(2));
select is(pg_temp.waiting(), 2::bigint, 'a grant of another track changes nothing of that');
select novatune.grant_access(pg_temp.ulid(12), pg_temp.ulid(2));
select is(pg_temp.recorded(), '', 'granted again: nothing is refused any more');
select novatune.revoke_access(pg_temp.ulid(12), pg_temp.ulid(2));
select is(pg_temp.recorded(), '2 b, 2 b.json', 'revoked again');
select novatune.grant_access(pg_temp.ulid(11), pg_temp.ulid(2), now() + interval '1 hour');
select is(pg_temp.recorded(), '', 'a grant that ends later by itself');
update novatune.track_grants set expires_at = now() - interval '1 second' where track_id = pg_temp.ulid(11);
select is(pg_temp.waiting(), 1::bigint, 'a grant that is ended now');
update novatune.track_grants set expires_at = null where track_id = pg_temp.ulid(11);
select is(pg_temp.waiting(), 0::bigint, 'and extended');

-- Owners.
insert into novatune.track_grants (track_id, grantee_id) values (pg_temp.ulid(11), pg_temp.ulid(1));
select novatune.revoke_access(pg_temp.ulid(11), pg_temp.ulid(1));
select is(pg_temp.recorded(), '', 'an owner loses nothing with a grant');
update novatune.tracks set user_id = pg_temp.ulid(2) where track_id = pg_temp.ulid(11);
select is(pg_temp.waiting(), 1::bigint, 'the former owner');
update novatune.tracks set user_id = pg_temp.ulid(1) where track_id = pg_temp.ulid(11);
select is(pg_temp.recorded(), '', 'who owns it again, while the other has a grant');
update novatune.tracks set title = 'Other', status = 'Deleted' where track_id = pg_temp.ulid(11);
select is(pg_temp.recorded(), '', 'a deleted track is revoked by its object');
delete from novatune.tracks where track_id = pg_temp.ulid(11);
select is(pg_temp.recorded(), '', 'and so is one that is removed with its grants');

-- Grants that ended long ago.
insert into novatune.track_grants (track_id, grantee_id, expires_at)
values (pg_temp.ulid(12), pg_temp.ulid(2), now() - interval '9 days'),
       (pg_temp.ulid(12), pg_temp.ulid(3), now() - interval '7 days');
select is(pg_temp.recorded(), '', 'a grant that is inserted after its end gave no URL');
delete from novatune.track_grants where expires_at < now();
select is(pg_temp.recorded(), '3 b, 3 b.json', 'a clean-up records the grants whose URLs may live, and no older ones');
select novatune.grant_access(pg_temp.ulid(12), pg_temp.ulid(2));
update novatune.track_grants set expires_at = now() - interval '9 days' where grantee_id = pg_temp.ulid(2);
select is(pg_temp.recorded(), '2 b, 2 b.json', 'a grant that held until now and is dated back is recorded');
update novatune.track_grants set expires_at = now() - interval '10 days' where grantee_id = pg_temp.ulid(2);
select is(pg_temp.recorded(), '', 'and not once more where it had ended long ago');
delete from novatune.track_grants;

-- Tracks that share an object: 22 has 21's audio as its waveform, and 23 as its audio.
insert into novatune.tracks (track_id, user_id, title, object_key, waveform_object_key, mime_type, file_size_bytes, status)
values (pg_temp.ulid(21), pg_temp.ulid(1), 'Song', 's', 's.json', 'audio/mpeg', 1, 'Ready'),
       (pg_temp.ulid(22), pg_temp.ulid(1), 'Song', 'other', 's', 'audio/mpeg', 1, 'Ready'),
       (pg_temp.ulid(23), pg_temp.ulid(3), 'Song', 's', null, 'audio/mpeg', 1, 'Processing');
select novatune.grant_access(pg_temp.ulid(n), pg_temp.ulid(2)) from unnest('{21,22}'::bigint[]) as n;
select novatune.grant_access(pg_temp.ulid(21), pg_temp.ulid(3));
select novatune.revoke_access(pg_temp.ulid(21), pg_temp.ulid(2));
select is(pg_temp.recorded(), '2 s.json', 'an object that another granted track names is not refused');
select novatune.revoke_access(pg_temp.ulid(22), pg_temp.ulid(2));
select is(pg_temp.waiting(), 2::bigint, 'until the last track that names it is lost');
select novatune.grant_access(pg_temp.ulid(21), pg_temp.ulid(2));
select is(pg_temp.recorded(), '2 other', 'and no more with access to a track that names it');
select novatune.revoke_access(pg_temp.ulid(21), pg_temp.ulid(3));
select is(pg_temp.recorded(), '3 s.json', 'nor an object that a track of the user''s own names');
update novatune.track_grants set expires_at = now() - interval '1 hour' where grantee_id = pg_temp.ulid(2);
select is(pg_temp.waiting(), 2::bigint, 'a grant that has ended gives no access');
insert into novatune.tracks (track_id, user_id, title, object_key, mime_type, file_size_bytes)
values (pg_temp.ulid(24), pg_temp.ulid(2), 'Song', 's', 'audio/mpeg', 1);
select is(pg_temp.recorded(), '2 s.json', 'a new track of the user''s own gives access to its object');
update novatune.tracks set object_key = 'mine' where track_id = pg_temp.ulid(24);
insert into novatune.user_revocations (user_id, track_id, object_key) values (pg_temp.ulid(2), pg_temp.ulid(21), 's');
update novatune.tracks set object_key = 's' where track_id = pg_temp.ulid(24);
select is(pg_temp.recorded(), '', 'and so does another object of one');
update novatune.tracks set user_id = pg_temp.ulid(1) where track_id in (pg_temp.ulid(23), pg_temp.ulid(24));
select is(pg_temp.recorded(), '2 s, 3 s', 'former owners of several tracks that share an object');

-- Another owner and other objects in one statement.
update novatune.tracks set user_id = pg_temp.ulid(2), object_key = 't', waveform_object_key = 't.json'
 where track_id = pg_temp.ulid(21);
select is(pg_temp.recorded(), '1 s.json, 1 t, 1 t.json',
    'a former owner loses the former objects, but for those of other tracks, and the new ones');
delete from novatune.tracks where track_id in (pg_temp.ulid(22), pg_temp.ulid(23), pg_temp.ulid(24));
update novatune.tracks set user_id = pg_temp.ulid(1), object_key = 'u', waveform_object_key = null
 where track_id = pg_temp.ulid(21);
select is(pg_temp.recorded(), '2 t, 2 t.json, 2 u', 'both former objects');
delete from novatune.tracks where track_id = pg_temp.ulid(21);

-- Many at a time, after a change of one, whose plan a session may keep.
insert into novatune.users (user_id) select pg_temp.ulid(100000 + n) from generate_series(1, 20000) as n;
insert into novatune.track_grants (track_id, grantee_id)
select pg_temp.ulid(12), pg_temp.ulid(100000 + n) from generate_series(1, 20000) as n;
alter table novatune.users disable trigger user;
alter table novatune.users enable trigger users_record_updated;
alter table novatune.track_grants disable trigger user;
alter table novatune.track_grants enable trigger track_grants_record_inserted;
alter table novatune.track_grants enable trigger track_grants_record_deleted;

-- Rows and index entries that this transaction has read of the tables.
create function pg_temp.read() returns numeric
    language sql
    return (
        select sum(pg_stat_get_xact_tuples_returned(c.oid) + pg_stat_get_xact_tuples_fetched(c.oid))
          from unnest('{users,tracks,track_grants,user_revocations}'::text[]) as name
          left join pg_index i on i.indrelid = ('novatune.' || name)::regclass
          join pg_class c on c.oid in (i.indrelid, i.indexrelid));
create temporary table reading (what text, rows numeric) on commit drop;

set local statement_timeout = '30s';
update novatune.users set session_epoch = 1 where user_id = pg_temp.ulid(100001);
delete from novatune.track_grants where grantee_id = pg_temp.ulid(100001);
update novatune.users set session_epoch = 2 where user_id between pg_temp.ulid(100001) and pg_temp.ulid(120000);
insert into reading values ('bulk', -pg_temp.read());
delete from novatune.track_grants where grantee_id between pg_temp.ulid(100001) and pg_temp.ulid(120000);
update reading set rows = rows + pg_temp.read() where what = 'bulk';
select is((select count(*) from novatune.user_revocations where session_epoch is not null), 20001::bigint,
    'each user of a bulk change');
select is((select count(*) from novatune.user_revocations where object_key = 'b'), 20000::bigint, 'each grant of one');
insert into reading values ('bulk again', -pg_temp.read());
insert into novatune.track_grants (track_id, grantee_id)
select pg_temp.ulid(12), pg_temp.ulid(100000 + n) from generate_series(1, 20000) as n where n <> 2;
update reading set rows = rows + pg_temp.read() where what = 'bulk again';
select is((select array_agg(user_id::text) from novatune.user_revocations where object_key = 'b'),
    array[pg_temp.ulid(100002)], 'all of them granted again, but for one');
-- One at a time, of a track with 20,000 grants.
do $$
begin
    insert into reading values ('each', -pg_temp.read());
    for n in 100101 .. 100200 loop
        delete from novatune.track_grants where track_id = pg_temp.ulid(12) and grantee_id = pg_temp.ulid(n);
        insert into novatune.track_grants (track_id, grantee_id) values (pg_temp.ulid(12), pg_temp.ulid(n));
    end loop;
    update reading set rows = rows + pg_temp.read() where what = 'each';
end
$$;
set local statement_timeout = 0;
select is((select count(*) from novatune.user_revocations where object_key = 'b'), 1::bigint, 'granted again one by one');
select cmp_ok((select rows from reading where what = 'each') / 200, '<', 100::numeric,
    'a change of one grant reads no other grants of its track');
select cmp_ok((select max(rows) from reading where what <> 'each') / 20000, '<', 100::numeric,
    'nor does each of a bulk change');
alter table novatune.users enable trigger user;
alter table novatune.track_grants enable trigger user;

-- What a row may be.
select throws_ok($$insert into novatune.user_revocations (user_id) values (pg_temp.ulid(1))$$, '23514', null,
    'a row is about sessions or about an object');

select cmp_ok((select rolconnlimit from pg_roles where rolname = 'novatune_authorizer'), '>=', 100,
    'a connection for each of many gateways');

-- Privileges, as the process uses them.
create function pg_temp.as_authorizer(statement text) returns void
    language plpgsql
    set role = 'novatune_authorizer'
as $$
begin
    execute statement;
end
$$;
select lives_ok(format('select pg_temp.as_authorizer(%L)', statement), 'the process may: ' || statement)
  from unnest(array[
      'select record_user_revocations from novatune.settings',
      'select position, user_id, session_epoch, object_key from novatune.user_revocations',
      'delete from novatune.user_revocations where position = any (''{1}'')']) as statement;
select throws_ok(format('select pg_temp.as_authorizer(%L)', statement), '42501', null, 'the process may not: ' || statement)
  from unnest(array[
      'insert into novatune.user_revocations (user_id, session_epoch) values (''0'', 1)',
      'update novatune.user_revocations set session_epoch = 0',
      'select status from novatune.users',
      'select object_key from novatune.tracks',
      'select object_key from novatune.revocations',
      'update novatune.settings set record_user_revocations = false']) as statement;

-- A plan with what is switched off looks expensive enough to be compiled, at 40 ms for each change.
select is_empty($$
    select p.proname from pg_catalog.pg_proc p
     where p.pronamespace = 'novatune'::regnamespace and p.proname = 'record_access'
       and not coalesce('jit=off' = any (p.proconfig), false)$$,
    'the trigger of access is never compiled');

select * from finish();
rollback;
