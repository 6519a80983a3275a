begin;
\ir shared/setup.sql

select plan(19);

insert into novatune.users (user_id) values (pg_temp.ulid(1)), (pg_temp.ulid(2));
insert into novatune.tracks (track_id, user_id, title, object_key, mime_type, file_size_bytes, status)
values (pg_temp.ulid(1), pg_temp.ulid(1), 'Song', 'audio/1.mp3', 'audio/mpeg', 9, 'Ready');

select is(current_setting('novatune.reason', true), null, 'a session begins without a reason');
select is(novatune.exchange_reason('first'), null, 'the former reason of such a session is null');
select is(current_setting('novatune.reason'), 'first', 'the reason is set');
select is(novatune.exchange_reason('second'), 'first', 'the next call returns the former reason');
select is(novatune.exchange_reason(null), 'second', 'null is taken');
select is(current_setting('novatune.reason'), '', 'and means no reason');

savepoint before_reason;
select novatune.exchange_reason('undone');
rollback to savepoint before_reason;
select is(current_setting('novatune.reason'), '', 'a rollback restores the former reason');

select results_eq(
    $$select proname::text collate "default" from pg_proc
       where pronamespace = 'novatune'::regnamespace and prosrc ~ $re$set_config\('novatune\.reason'$re$
       order by 1$$,
    array['exchange_reason'],
    'no other function sets the reason by itself');

-- Each of the seven, in an order in which each of them writes.
set local novatune.reason = 'outer';
create function pg_temp.reason_after(call text) returns text
    language plpgsql
as $$
begin
    execute 'select novatune.' || call;
    return current_setting('novatune.reason');
end
$$;
select is(pg_temp.reason_after(call), 'outer', 'the reason is the former one after ' || call)
  from (values
    (1, 'grant_access(lpad(''1'', 26, ''0''), lpad(''2'', 26, ''0''), reason => ''x'')'),
    (2, 'revoke_access(lpad(''1'', 26, ''0''), lpad(''2'', 26, ''0''), ''x'')'),
    (3, 'delete_track(lpad(''1'', 26, ''0''), ''x'')'),
    (4, 'restore_track(lpad(''1'', 26, ''0''), ''x'')'),
    (5, 'suspend_user(lpad(''1'', 26, ''0''), ''x'')'),
    (6, 'reinstate_user(lpad(''1'', 26, ''0''), ''x'')'),
    (7, 'logout_all(lpad(''1'', 26, ''0''), ''x'')')
  ) as calls (place, call)
 order by place;

-- The write itself fails, after the reason is set.
create function pg_temp.refuse() returns trigger
    language plpgsql
as $$
begin
    raise exception 'refused for %', current_setting('novatune.reason');
end
$$;
create trigger refuse before insert on novatune.track_grants for each row execute function pg_temp.refuse();
select throws_ok(
    $$select novatune.grant_access(pg_temp.ulid(1), pg_temp.ulid(2), reason => 'inner')$$, 'P0001', 'refused for inner',
    'a call whose write is refused fails');
select is(current_setting('novatune.reason'), 'outer', 'and the reason is the former one');

-- The rights are the caller's.
select function_privs_are('novatune', 'exchange_reason', array['text'], 'novatune_dba', array['EXECUTE'],
    'a DBA may call it, as the functions that it serves do');
select function_privs_are('novatune', 'exchange_reason', array['text'], 'novatune_responder', array[]::text[],
    'the responder may not');

select * from finish();
rollback;
