begin;
\ir shared/setup.sql

select plan(46);

insert into novatune.users (user_id) values (pg_temp.ulid(1)), (pg_temp.ulid(2));
insert into novatune.users (user_id, status) values (pg_temp.ulid(3), 'PendingDeletion'), (pg_temp.ulid(4), 'Disabled');
insert into novatune.tracks (track_id, user_id, title, object_key, mime_type, file_size_bytes)
values (pg_temp.ulid(1), pg_temp.ulid(1), 'Song', 'upload', 'application/octet-stream', 1);

create function pg_temp.track(number bigint) returns text
    language sql
    begin atomic
        select concat_ws(' ', status, version, object_key, mime_type, file_size_bytes)
          from novatune.tracks
         where track_id = pg_temp.ulid(number);
    end;
create function pg_temp.last_reason(kind novatune.subject_kind, number bigint) returns text
    language sql
    begin atomic
        select reason
          from novatune.history
         where (subject_kind, subject_id) = (kind, pg_temp.ulid(number))
         order by position desc limit 1;
    end;

-- Tracks.
select is(novatune.mark_ready(pg_temp.ulid(1), 'audio/1.mp3', 'audio/mpeg', 9), 'Ready',
    'mark_ready returns the new status');
select is(pg_temp.track(1), 'Ready 2 audio/1.mp3 audio/mpeg 9',
    'mark_ready names the object and lets the track stream, in one version');
select throws_ok($$select novatune.mark_ready(pg_temp.ulid(1), 'k', 'audio/mpeg', 9)$$, '55000',
    'track 00000000000000000000000001 is Ready already',
    'mark_ready does not change the object of a Ready track');
select is(novatune.delete_track(pg_temp.ulid(1), 'takedown 7'), 'Deleted', 'delete_track returns the new status');
select is(pg_temp.track(1), 'Deleted 3 audio/1.mp3 audio/mpeg 9', 'delete_track deletes');
select is(pg_temp.last_reason('track', 1), 'takedown 7', 'and history records the reason');
select is(novatune.delete_track(pg_temp.ulid(1), 'again'), 'Deleted', 'deleting a deleted track is no error');
select is(pg_temp.track(1), 'Deleted 3 audio/1.mp3 audio/mpeg 9', 'and no change');
select throws_ok($$select novatune.mark_ready(pg_temp.ulid(1), 'k', 'audio/mpeg', 9)$$, '55000',
    'track 00000000000000000000000001 is Deleted',
    'a deleted track is restored, not marked');
select is(novatune.restore_track(pg_temp.ulid(1), 'appeal'), 'Ready', 'restore_track returns the new status');
select is(pg_temp.last_reason('track', 1), 'appeal', 'restore_track records the reason');
select throws_ok($$select novatune.restore_track(pg_temp.ulid(1), 'x')$$, '55000',
    'track 00000000000000000000000001 is Ready, not Deleted',
    'restore_track restores nothing but a deleted track');
update novatune.tracks set title = 'Other' where track_id = pg_temp.ulid(1);
update novatune.tracks set object_key = 'audio/2.mp3' where track_id = pg_temp.ulid(1);
select is(pg_temp.last_reason('track', 1), null, 'the next statement of the transaction does not inherit the reason');
set local novatune.reason = 'migration';
select novatune.delete_track(pg_temp.ulid(1), null);
select is(pg_temp.last_reason('track', 1), null, 'a call without a reason has none');
update novatune.tracks set status = 'Ready' where track_id = pg_temp.ulid(1);
select is(pg_temp.last_reason('track', 1), 'migration', 'and the reason of before is there again');
set local novatune.reason = '';

-- Users.
select is(novatune.suspend_user(pg_temp.ulid(1), 'fraud'), 'Suspended', 'suspend_user returns the new status');
select is(pg_temp.last_reason('user', 1), 'fraud', 'suspend_user records the reason');
select is(novatune.suspend_user(pg_temp.ulid(1), 'fraud'), 'Suspended', 'suspending a suspended user is no error');
select is(novatune.reinstate_user(pg_temp.ulid(1), 'cleared'), 'Active', 'reinstate_user returns the new status');
select is(pg_temp.last_reason('user', 1), 'cleared', 'reinstate_user records the reason');
select is(novatune.reinstate_user(pg_temp.ulid(1), 'x'), 'Active', 'reinstating an active user is no error');
select is((select session_epoch from novatune.users where user_id = pg_temp.ulid(1)), 2::bigint,
    'each change raised the epoch once');
select is(novatune.reinstate_user(pg_temp.ulid(4), 'x'), 'Active', 'a disabled user can be reinstated');
select throws_ok($$select novatune.suspend_user(pg_temp.ulid(3), 'x')$$, '55000',
    'user 00000000000000000000000003 is PendingDeletion, not Active',
    'a user who is not active cannot be suspended');
select throws_ok($$select novatune.reinstate_user(pg_temp.ulid(3), 'x')$$, '55000',
    'user 00000000000000000000000003 is PendingDeletion, neither Suspended nor Disabled',
    'a user who is to be deleted cannot be reinstated by chance');
select ok((select v > now() and v <= clock_timestamp() from novatune.logout_all(pg_temp.ulid(2), 'stolen phone') as v),
    'logout_all returns the time from which tokens are accepted');
select is((select session_epoch from novatune.users where user_id = pg_temp.ulid(2)), 1::bigint,
    'logout_all raises the epoch');
select is(pg_temp.last_reason('user', 2), 'stolen phone', 'logout_all records the reason');
select ok(novatune.logout_all(pg_temp.ulid(2), 'again') > now(), 'a second logout is a later one');
update novatune.users set tokens_valid_after = 'infinity' where user_id = pg_temp.ulid(2);
select is(novatune.logout_all(pg_temp.ulid(2), 'x'), 'infinity'::timestamptz,
    'logout_all never makes ended tokens good again');
select is((select session_epoch from novatune.users where user_id = pg_temp.ulid(2)), 4::bigint,
    'and raises the epoch all the same');

-- Grants.
select is(novatune.grant_access(pg_temp.ulid(1), pg_temp.ulid(2)), 'infinity'::timestamptz,
    'a grant may be without end');
select is(novatune.grant_access(pg_temp.ulid(1), pg_temp.ulid(2), now() + interval '1 hour', pg_temp.ulid(1), 'trial'),
    now() + interval '1 hour',
    'and may be given another');
select results_eq('select expires_at, granted_by = pg_temp.ulid(1) from novatune.track_grants',
    $$values (now() + interval '1 hour', true)$$,
    'which replaces the first');
select is(pg_temp.last_reason('track', 1), 'trial', 'grant_access records the reason');
select is(novatune.revoke_access(pg_temp.ulid(1), pg_temp.ulid(2), 'over'), true,
    'revoke_access returns true where there was a grant');
select is(pg_temp.last_reason('track', 1), 'over', 'and records why it ended');
select is(novatune.revoke_access(pg_temp.ulid(1), pg_temp.ulid(2)), false, 'and false where there was none');

-- A track or a user that does not exist.
select throws_ok(format('select novatune.%s', call), 'P0002', format('there is no %s %s', kind, pg_temp.ulid(99)), call)
  from (values
    ('track', 'delete_track(pg_temp.ulid(99), ''x'')'), ('track', 'restore_track(pg_temp.ulid(99), ''x'')'),
    ('track', 'mark_ready(pg_temp.ulid(99), ''k'', ''audio/mpeg'', 1)'),
    ('user', 'suspend_user(pg_temp.ulid(99), ''x'')'),
    ('user', 'reinstate_user(pg_temp.ulid(99), ''x'')'), ('user', 'logout_all(pg_temp.ulid(99), ''x'')'),
    ('track', 'grant_access(pg_temp.ulid(99), pg_temp.ulid(1))'),
    ('user', 'grant_access(pg_temp.ulid(1), pg_temp.ulid(99))')
  ) as calls (kind, call);

select * from finish();
rollback;
