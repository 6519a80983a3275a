-- Deploy novatune:user_revocations to pg
-- requires: users
-- requires: track_grants
-- requires: waveforms
-- requires: notification_queue
-- requires: ownership

begin;

-- Triggers on users, tracks and track_grants: a lock that their writers wait for until this transaction ends; requests
-- read on.
set local lock_timeout = '2s';

create table novatune.user_revocations (
    position      bigint        not null generated always as identity,
    user_id       novatune.ulid not null,
    session_epoch bigint,
    track_id      novatune.ulid,
    object_key    text,
    recorded_at   timestamptz   not null default clock_timestamp(),
    constraint user_revocations_pkey primary key (position),
    constraint user_revocations_of_sessions_or_of_an_object
        check (num_nonnulls(track_id, object_key) = case when session_epoch is null then 2 else 0 end)
);

create index user_revocations_object_idx
    on novatune.user_revocations (user_id, object_key) where object_key is not null;

comment on table novatune.user_revocations is
    'URLs of users that a store is to refuse, for as long as such URLs live: novatune-streamd authorize keeps the list in memory and deletes what it has known for so long. No foreign keys: a deleted user''s URLs are refused as well.';
comment on column novatune.user_revocations.position is
    'In the order of the inserts; rows of different transactions may be committed in another one.';
comment on column novatune.user_revocations.user_id is
    'The user whose URLs are refused.';
comment on column novatune.user_revocations.session_epoch is
    'The user''s URLs of this session epoch and of earlier ones are refused, whatever they open; null where the row is about one object.';
comment on column novatune.user_revocations.track_id is
    'The track that the user lost access to; null where the row is about all of them.';
comment on column novatune.user_revocations.object_key is
    'Its audio or its waveform: the user''s URLs of this object are refused, of each session epoch.';
comment on column novatune.user_revocations.recorded_at is
    'When the statement made the change; its commit came later.';
comment on sequence novatune.user_revocations_position_seq is
    'Positions of user_revocations.';
comment on index novatune.user_revocations_object_idx is
    'What goes where a user gets access to an object again.';

alter table novatune.settings
    add column record_user_revocations boolean not null default false;

comment on column novatune.settings.record_user_revocations is
    'Whether changes of users and of their access are recorded in user_revocations. True where novatune-streamd authorize runs; without it the rows would only grow in number.';

create function novatune.notify_user_revocation() returns void
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
begin
    -- A full queue must not fail the change: the process looks by itself as well.
    if pg_notification_queue_usage() <= (select s.notify_up_to from novatune.settings s) then
        perform pg_notify('novatune_user_revocation', '');
    end if;
end
$$;

comment on function novatune.notify_user_revocation() is
    'Wakes novatune-streamd authorize at commit.';

-- Once a statement, and without nested loops, as record_revocations.
create function novatune.record_ended_sessions() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    set enable_nestloop = off
as $$
begin
    if not (select s.record_user_revocations from novatune.settings s) then
        return null;
    end if;
    -- Users that are not Active have no URL of this epoch.
    if tg_op = 'DELETE' then
        insert into novatune.user_revocations (user_id, session_epoch)
        select o.user_id, o.session_epoch
          from old_rows o
         where o.status = 'Active';
    else
        insert into novatune.user_revocations (user_id, session_epoch)
        select o.user_id, o.session_epoch
          from old_rows o
          join new_rows n using (user_id)
         where o.status = 'Active' and (n.status <> 'Active' or n.session_epoch > o.session_epoch);
    end if;
    if found then
        perform novatune.notify_user_revocation();
    end if;
    return null;
end
$$;

comment on function novatune.record_ended_sessions() is
    'Trigger: records the users who are no longer Active, were logged out or were deleted, with the last session epoch that URLs of theirs have.';

-- What the users may do with the objects after the change decides, so that an owner loses nothing with a grant, nor a
-- user an object that another track of theirs names, and the last change of several wins. Without nested loops and
-- sequential scans: a plan that was made for one row, or while there were few tracks, would stay when there are many.
-- Each subquery below reads an index, once for a user and an object.
create function novatune.record_access() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    set enable_nestloop = off
    set enable_seqscan = off
    -- A scan that is switched off, such as the one of the settings, looks so expensive that it would be compiled: 40 ms.
    set jit = off
as $$
declare
    users text[];
    tracks text[];
    ends timestamptz[];
    objects text[];
    waveforms text[];
    is_changed boolean;
begin
    if not (select s.record_user_revocations from novatune.settings s) then
        return null;
    end if;
    -- Until when the user had access by what the change ends: -infinity where it only gives access.
    if tg_table_name = 'tracks' and tg_op = 'INSERT' then
        select array_agg(n.user_id), array_agg(n.track_id), array_agg(timestamptz '-infinity')
          into users, tracks, ends
          from new_rows n;
    elsif tg_table_name = 'tracks' then
        -- URLs of a former owner are of the former objects.
        select array_agg(c.user_id), array_agg(c.track_id), array_agg(c.access_end), array_agg(c.object_key),
               array_agg(c.waveform_object_key)
          into users, tracks, ends, objects, waveforms
          from (select o.user_id, o.track_id, timestamptz 'infinity' as access_end, o.object_key, o.waveform_object_key
                  from old_rows o
                  join new_rows n using (track_id)
                 where n.user_id <> o.user_id
                 union all
                select n.user_id, n.track_id, '-infinity', null, null
                  from old_rows o
                  join new_rows n using (track_id)
                 where (n.user_id, n.object_key, n.waveform_object_key)
                       is distinct from (o.user_id, o.object_key, o.waveform_object_key)) as c;
    elsif tg_op = 'INSERT' then
        select array_agg(n.grantee_id), array_agg(n.track_id), array_agg(timestamptz '-infinity')
          into users, tracks, ends
          from new_rows n;
    else
        select array_agg(o.grantee_id), array_agg(o.track_id), array_agg(coalesce(o.expires_at, 'infinity'))
          into users, tracks, ends
          from old_rows o;
    end if;
    if users is null then
        return null;
    end if;
    -- A track's owner and its grants may change in two transactions, neither of which sees the other's: the second waits
    -- here for the first, and the statements below see its change.
    perform from novatune.tracks t where t.track_id = any (tracks) order by t.track_id for share;

    -- A row for each user, track and object. A track that is removed is revoked by its object.
    select array_agg(c.user_id), array_agg(c.track_id), array_agg(c.access_end), array_agg(c.object_key)
      into users, tracks, ends, objects
      from (select distinct p.user_id, p.track_id, p.access_end,
                   unnest(array[p.object_key, p.waveform_object_key, t.object_key, t.waveform_object_key]) as object_key
              from unnest(users, tracks, ends, objects, waveforms)
                   as p (user_id, track_id, access_end, object_key, waveform_object_key)
              join novatune.tracks t on t.track_id = p.track_id and t.track_id = any (tracks)) as c
     where c.object_key is not null;
    if users is null then
        return null;
    end if;
    -- As above for a user's access to two tracks that name one object.
    perform
       from novatune.users u
      where u.user_id = any (array(
                select p.user_id
                  from unnest(users, tracks, objects) as p (user_id, track_id, object_key)
                 where coalesce(
                           (select true from novatune.tracks t
                             where t.object_key = p.object_key and t.track_id <> p.track_id limit 1),
                           (select true from novatune.tracks t
                             where t.waveform_object_key = p.object_key and t.track_id <> p.track_id limit 1))))
      order by u.user_id
        for no key update;

    -- Of tracks in each status: a change of status is no change of access, and would not cross off what is recorded here.
    with access as materialized (
        select p.user_id, p.object_key,
               coalesce(
                   (select true from novatune.tracks t
                     where t.object_key = p.object_key
                       and (t.user_id = p.user_id
                            or (select g.expires_at is null or g.expires_at > clock_timestamp()
                                  from novatune.track_grants g
                                 where g.track_id = t.track_id and g.grantee_id = p.user_id))
                     limit 1),
                   (select true from novatune.tracks t
                     where t.waveform_object_key = p.object_key
                       and (t.user_id = p.user_id
                            or (select g.expires_at is null or g.expires_at > clock_timestamp()
                                  from novatune.track_grants g
                                 where g.track_id = t.track_id and g.grantee_id = p.user_id))
                     limit 1),
                   false) as is_allowed
          from (select distinct * from unnest(users, objects)) as p (user_id, object_key)
    ),
    regained as (
        delete from novatune.user_revocations r
         where r.position = any (array(
                   select unnest(array(select former.position from novatune.user_revocations former
                                        where former.user_id = a.user_id and former.object_key = a.object_key))
                     from access a
                    where a.is_allowed))
        returning 1
    ),
    lost as (
        insert into novatune.user_revocations (user_id, track_id, object_key)
        select p.user_id, p.track_id, p.object_key
          from unnest(users, tracks, ends, objects) as p (user_id, track_id, access_end, object_key)
          join access a on a.user_id = p.user_id and a.object_key = p.object_key
         where not a.is_allowed
           -- A URL that is signed in a grant's last moment lives on for NOVATUNE_PRESIGN_EXPIRY: 7 days at most, the
           -- limit of SigV4, and a day is enough for clocks that differ. A grant that ended before has no URL.
           and p.access_end > now() - interval '8 days'
        returning 1
    )
    select exists (select from regained) or exists (select from lost) into is_changed;
    if is_changed then
        perform novatune.notify_user_revocation();
    end if;
    return null;
end
$$;

comment on function novatune.record_access() is
    'Trigger: records who has lost access to a track''s objects, and crosses off who has got it again.';

revoke all on function novatune.notify_user_revocation() from public;
revoke all on function novatune.record_ended_sessions() from public;
revoke all on function novatune.record_access() from public;

create trigger users_record_updated
    after update on novatune.users
    referencing old table as old_rows new table as new_rows
    for each statement
    execute function novatune.record_ended_sessions();
create trigger users_record_deleted
    after delete on novatune.users
    referencing old table as old_rows
    for each statement
    execute function novatune.record_ended_sessions();
create trigger tracks_record_first_owner
    after insert on novatune.tracks
    referencing new table as new_rows
    for each statement
    execute function novatune.record_access();
create trigger tracks_record_owner
    after update on novatune.tracks
    referencing old table as old_rows new table as new_rows
    for each statement
    execute function novatune.record_access();
create trigger track_grants_record_inserted
    after insert on novatune.track_grants
    referencing new table as new_rows
    for each statement
    execute function novatune.record_access();
create trigger track_grants_record_updated
    after update on novatune.track_grants
    referencing old table as old_rows
    for each statement
    execute function novatune.record_access();
create trigger track_grants_record_deleted
    after delete on novatune.track_grants
    referencing old table as old_rows
    for each statement
    execute function novatune.record_access();

comment on trigger users_record_updated on novatune.users is
    'URLs that a user has already end with the user''s sessions.';
comment on trigger users_record_deleted on novatune.users is
    'URLs that a user has already end with the user.';
comment on trigger tracks_record_first_owner on novatune.tracks is
    'An object of which the owner has a track of their own must not be refused for the end of a grant of another.';
comment on trigger tracks_record_owner on novatune.tracks is
    'URLs that the former owner has already end with the ownership; those of an object that a track gets must not be refused for a former end.';
comment on trigger track_grants_record_inserted on novatune.track_grants is
    'A grant that comes again must not be refused for the former one''s end.';
comment on trigger track_grants_record_updated on novatune.track_grants is
    'URLs that the grantee has already end with the grant.';
comment on trigger track_grants_record_deleted on novatune.track_grants is
    'URLs that the grantee has already end with the grant.';

-- Support sees whose URLs are refused, without object keys.
grant select, delete on novatune.user_revocations to novatune_dba;
grant select (position, user_id, session_epoch, track_id, recorded_at) on novatune.user_revocations to novatune_reader;

-- The change ownership came before these.
do $$
declare
    owner name := (select pg_get_userbyid(nspowner) from pg_catalog.pg_namespace where nspname = 'novatune');
    owned text;
begin
    foreach owned in array array[
        'table novatune.user_revocations', 'function novatune.notify_user_revocation()',
        'function novatune.record_ended_sessions()', 'function novatune.record_access()']
    loop
        execute format('alter %s owner to %I', owned, owner);
    end loop;
end
$$;

commit;
