begin;
\ir shared/setup.sql

select plan(36);

-- Of what the database has, nothing counts.
delete from novatune.tracks;
update novatune.settings set record_revocations = false;
delete from novatune.revocations;

insert into novatune.users (user_id) values (pg_temp.ulid(1)), (pg_temp.ulid(2));

create function pg_temp.track(number bigint, object_key text, status novatune.track_status) returns void
    language sql
as $$
    insert into novatune.tracks (track_id, user_id, title, object_key, mime_type, file_size_bytes, status)
    values (pg_temp.ulid(number), pg_temp.ulid(1), 'Song', object_key, 'audio/mpeg', 1, status);
$$;

-- What was recorded since the last call, in order.
create function pg_temp.recorded() returns text
    language sql
as $$
    with gone as (delete from novatune.revocations returning position, action, object_key)
    select coalesce(string_agg(action || ' ' || object_key, ', ' order by object_key, position), '') from gone;
$$;

select col_default_is('novatune', 'settings', 'record_revocations', 'false',
    'nothing is recorded where no process would take it');
select pg_temp.track(1, 'a', 'Ready');
update novatune.tracks set status = 'Deleted';
select is(pg_temp.recorded(), '', 'and so the table stays empty');
update novatune.settings set record_revocations = true;
select is(pg_temp.recorded(), 'revoke a', 'from then on: what is deleted already');
update novatune.settings set record_revocations = true;
select is(pg_temp.recorded(), '', 'once');
update novatune.tracks set status = 'Ready';
delete from novatune.revocations;

-- One change of one track.
update novatune.tracks set status = 'Deleted' where track_id = pg_temp.ulid(1);
select is(pg_temp.recorded(), 'revoke a', 'a deleted track');
update novatune.tracks set status = 'Ready' where track_id = pg_temp.ulid(1);
select is(pg_temp.recorded(), 'restore a', 'a restored track');
update novatune.tracks set object_key = 'b' where track_id = pg_temp.ulid(1);
select is(pg_temp.recorded(), 'revoke a, restore b', 'another object: the former one is revoked');
update novatune.tracks set title = 'Other', user_id = pg_temp.ulid(2), mime_type = 'audio/flac', file_size_bytes = 2
 where track_id = pg_temp.ulid(1);
select is(pg_temp.recorded(), '', 'changes that leave the object to the track');
update novatune.tracks set object_key = 'b', status = 'Ready' where track_id = pg_temp.ulid(1);
select is(pg_temp.recorded(), '', 'an update that changes nothing');
update novatune.tracks set object_key = 'a', status = 'Deleted' where track_id = pg_temp.ulid(1);
select is(pg_temp.recorded(), 'revoke b', 'deleted with another object: only one that was given out');
delete from novatune.tracks where track_id = pg_temp.ulid(1);
select is(pg_temp.recorded(), '', 'removed after its deletion');
select pg_temp.track(2, 'c', 'Ready');
select is(pg_temp.recorded(), 'restore c', 'a key that is used, perhaps again');
delete from novatune.tracks where track_id = pg_temp.ulid(2);
select is(pg_temp.recorded(), 'revoke c', 'removed while it was Ready');
select pg_temp.track(3, 'd', 'Processing');
update novatune.tracks set object_key = 'e' where track_id = pg_temp.ulid(3);
select is(pg_temp.recorded(), '', 'no URL was given out before Ready');
update novatune.tracks set status = 'Ready' where track_id = pg_temp.ulid(3);
select is(pg_temp.recorded(), 'restore e', 'a track that becomes Ready');
select novatune.delete_track(pg_temp.ulid(3), 'x');
select novatune.restore_track(pg_temp.ulid(3), 'x');
select is((select string_agg(action::text, ' ' order by position) from novatune.revocations), 'revoke restore',
    'the functions record as well, and each change is kept');
delete from novatune.revocations;
update novatune.users set status = 'Suspended' where user_id = pg_temp.ulid(1);
select is(pg_temp.recorded(), '', 'a suspended user takes no object from others');

-- An error takes the record back with the change.
savepoint before;
update novatune.tracks set status = 'Deleted' where track_id = pg_temp.ulid(3);
rollback to before;
select is(pg_temp.recorded(), '', 'a change that is rolled back');

-- Many tracks in one statement.
insert into novatune.tracks (track_id, user_id, title, object_key, mime_type, file_size_bytes, status)
select pg_temp.ulid(100 + n), pg_temp.ulid(1), 'Song', 'shared/' || n / 2, 'audio/mpeg', 1, 'Ready'
  from generate_series(0, 9) as n;
select is((select count(*) from novatune.revocations where action = 'restore'), 5::bigint, 'one row an object and statement');
delete from novatune.revocations;
update novatune.tracks set status = 'Deleted' where object_key like 'shared/%';
select is((select count(*) from novatune.revocations where action = 'revoke'), 5::bigint, 'also where tracks leave Ready');
select is((select count(*) from novatune.revocations where attempts = 0 and due_at <= clock_timestamp()
                                                           and failure is null), 5::bigint, 'each is due immediately');
delete from novatune.revocations;

-- The plan that a session keeps is that of its first change, of one track. Without the other triggers, which take longer
-- than this one, only nested loops last.
alter table novatune.tracks disable trigger user;
alter table novatune.tracks enable trigger tracks_record_updated;
insert into novatune.tracks (track_id, user_id, title, object_key, mime_type, file_size_bytes, status)
select pg_temp.ulid(1000 + n), pg_temp.ulid(1), 'Song', 'bulk/' || n, 'audio/mpeg', 1, 'Ready'
  from generate_series(1, 20000) as n;
update novatune.tracks set status = 'Processing' where track_id = pg_temp.ulid(1001);
set local statement_timeout = '30s';
select lives_ok($$update novatune.tracks set status = 'Processing' where object_key like 'bulk/%' and status = 'Ready'$$,
    'a bulk change after a change of one track');
set local statement_timeout = 0;
select is((select count(*) from novatune.revocations where object_key like 'bulk/%'), 20000::bigint, 'all of them recorded');
alter table novatune.tracks enable trigger user;

-- What the process shows: the oldest row of each action, also behind many of the other one.
insert into novatune.revocations (object_key, action) select 'bulk/' || n, 'restore' from generate_series(1, 20000) as n;
analyze novatune.revocations;
create function pg_temp.plan_of_the_oldest(action text) returns text
    language plpgsql
as $$
declare
    line text;
    plan text := '';
begin
    for line in execute format('explain (costs off) select requested_at from novatune.revocations
                                where action = %L order by position limit 1', action)
    loop
        plan := plan || line;
    end loop;
    return plan;
end
$$;
select matches(pg_temp.plan_of_the_oldest(action), 'revocations_age_idx.*Index Cond: ', 'read by its index: ' || action)
  from unnest(array['revoke', 'restore']) as action;
delete from novatune.revocations;

-- Privileges, as the process uses them.
update novatune.tracks set status = 'Deleted' where track_id = pg_temp.ulid(3);
create function pg_temp.as_revoker(statement text) returns void
    language plpgsql
    set role = 'novatune_revoker'
as $$
begin
    execute statement;
end
$$;
select lives_ok(format('select pg_temp.as_revoker(%L)', statement), 'the process may: ' || statement)
  from unnest(array[
      'select record_revocations from novatune.settings',
      'select position, object_key, attempts from novatune.revocations for update skip locked',
      'select from novatune.tracks where object_key = ''e'' and status = ''Ready''',
      'update novatune.revocations set attempts = attempts + 1, due_at = now(), failure = ''http_403''',
      'delete from novatune.revocations']) as statement;
select throws_ok(format('select pg_temp.as_revoker(%L)', statement), '42501', null, 'the process may not: ' || statement)
  from unnest(array[
      'insert into novatune.revocations (object_key, action) values (''x'', ''revoke'')',
      'update novatune.revocations set object_key = ''x''',
      'select track_id from novatune.tracks',
      'update novatune.tracks set status = ''Ready''',
      'select user_id from novatune.users',
      'update novatune.settings set record_revocations = false']) as statement;

select * from finish();
rollback;
