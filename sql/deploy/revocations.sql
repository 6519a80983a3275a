-- Deploy novatune:revocations to pg
-- requires: tracks
-- requires: settings
-- requires: notification_queue
-- requires: look_up_indexes
-- requires: ownership

begin;

-- Triggers on tracks: a lock that writers of tracks wait for until this transaction ends; requests read on.
set local lock_timeout = '2s';

create type novatune.revocation_action as enum ('revoke', 'restore');

comment on type novatune.revocation_action is
    'What a change of a track asks for its object: revoke where the track left Ready or names another object, restore where it is Ready with it. Revocations come first.';

create table novatune.revocations (
    position     bigint                     not null generated always as identity,
    object_key   text                       not null,
    action       novatune.revocation_action not null,
    requested_at timestamptz                not null default clock_timestamp(),
    attempts     integer                    not null default 0,
    due_at       timestamptz                not null default clock_timestamp(),
    failure      text,
    constraint revocations_pkey primary key (position),
    constraint revocations_attempts_not_negative check (attempts >= 0),
    constraint revocations_failure_is_a_word check (failure ~ '^[A-Za-z0-9_]{1,64}$')
);

create index revocations_due_idx on novatune.revocations (action, due_at, position);
create index revocations_age_idx on novatune.revocations (action, position);
create index revocations_object_key_idx on novatune.revocations (object_key);

comment on table novatune.revocations is
    'Objects that novatune-streamd revoke is still to look at. Only triggers insert, so no writer waits for another or for the store. A row says that an object''s tag may be wrong; which one is right follows from tracks when the row''s turn comes, so all rows of an object are one piece of work, and the last change wins. A row goes when the store has the right tag.';
comment on column novatune.revocations.position is
    'In the order of the inserts; rows of different transactions may be committed in another one.';
comment on column novatune.revocations.object_key is
    'Key of the object, as in tracks.';
comment on column novatune.revocations.action is
    'What the change asked for. It decides on the order only: another track may be Ready with the object.';
comment on column novatune.revocations.requested_at is
    'When the statement changed the track.';
comment on column novatune.revocations.attempts is
    'How often the store has refused this object. Of failures that may be the store''s own, no more than four count.';
comment on column novatune.revocations.due_at is
    'Not before this moment, after a refusal or a failure.';
comment on column novatune.revocations.failure is
    'The code of the last refusal or failure, as in the log of novatune-streamd revoke; null before the first.';
comment on sequence novatune.revocations_position_seq is
    'Positions of revocations.';
comment on index novatune.revocations_due_idx is
    'What is due, in its order.';
comment on index novatune.revocations_age_idx is
    'The oldest row of each action.';
comment on index novatune.revocations_object_key_idx is
    'All rows of an object.';

alter table novatune.settings
    add column record_revocations boolean not null default false;

comment on column novatune.settings.record_revocations is
    'Whether changes of tracks are recorded in revocations. True where novatune-streamd revoke runs; without it the rows would only grow in number.';

-- Once a statement, so that a bulk change pays one insert. A later change of the same object adds a row: an update of
-- one that is there would wait for the process that works on it, and two bulk changes could wait for each other.
-- A session plans the join of the former and the new rows at its first change, which may be of one row, and keeps the plan
-- for a change of a million: nested loops would compare each row with each.
create function novatune.record_revocations() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    set enable_nestloop = off
as $$
begin
    if not (select s.record_revocations from novatune.settings s) then
        return null;
    end if;
    case tg_op
    when 'INSERT' then
        insert into novatune.revocations (object_key, action)
        select distinct n.object_key, 'restore'::novatune.revocation_action
          from new_rows n
         where n.status = 'Ready';
    when 'DELETE' then
        insert into novatune.revocations (object_key, action)
        select distinct o.object_key, 'revoke'::novatune.revocation_action
          from old_rows o
         where o.status = 'Ready';
    else
        insert into novatune.revocations (object_key, action)
        select o.object_key, 'revoke'::novatune.revocation_action
          from old_rows o
          join new_rows n using (track_id)
         where o.status = 'Ready' and (n.status <> 'Ready' or n.object_key <> o.object_key)
         union
        select n.object_key, 'restore'
          from old_rows o
          join new_rows n using (track_id)
         where n.status = 'Ready' and (o.status <> 'Ready' or n.object_key <> o.object_key);
    end case;
    -- A full queue must not fail the change: the process looks by itself as well.
    if found and pg_notification_queue_usage() <= (select s.notify_up_to from novatune.settings s) then
        perform pg_notify('novatune_revocation', '');
    end if;
    return null;
end
$$;

comment on function novatune.record_revocations() is
    'Trigger: records the objects whose tracks have left Ready, have become Ready or name another object, and wakes novatune-streamd revoke at commit.';

revoke all on function novatune.record_revocations() from public;

create trigger tracks_record_inserted
    after insert on novatune.tracks
    referencing new table as new_rows
    for each statement
    execute function novatune.record_revocations();
create trigger tracks_record_updated
    after update on novatune.tracks
    referencing old table as old_rows new table as new_rows
    for each statement
    execute function novatune.record_revocations();
create trigger tracks_record_deleted
    after delete on novatune.tracks
    referencing old table as old_rows
    for each statement
    execute function novatune.record_revocations();

comment on trigger tracks_record_inserted on novatune.tracks is
    'A key that was in use before may have been revoked.';
comment on trigger tracks_record_updated on novatune.tracks is
    'URLs that players have already end with the track.';
comment on trigger tracks_record_deleted on novatune.tracks is
    'URLs that players have already end with the track.';

-- URLs of tracks that were deleted before may still be out, and check takes one of them to try the store with.
create function novatune.record_deleted_tracks() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    -- Waits for changes under way: one that has seen the setting off would be in neither set.
    lock table novatune.tracks in share row exclusive mode;
    insert into novatune.revocations (object_key, action)
    select distinct t.object_key, 'revoke'::novatune.revocation_action
      from novatune.tracks t
     where t.status = 'Deleted';
    return null;
end
$$;

comment on function novatune.record_deleted_tracks() is
    'Trigger: records the objects of all tracks that are deleted, from where on changes are recorded.';

revoke all on function novatune.record_deleted_tracks() from public;

create trigger settings_record_deleted_tracks
    after update on novatune.settings
    for each row
    when (new.record_revocations and not old.record_revocations)
    execute function novatune.record_deleted_tracks();

comment on trigger settings_record_deleted_tracks on novatune.settings is
    'What was deleted while nothing was recorded is revoked as well.';

-- Support sees objects by their state, without their keys. A DBA may have an object looked at.
grant select, delete, insert (object_key, action) on novatune.revocations to novatune_dba;
grant select (position, action, requested_at, attempts, due_at, failure) on novatune.revocations to novatune_reader;
-- For novatune-streamd check: whether an object of a deleted track is to be refused.
grant select (record_revocations) on novatune.settings to novatune_responder;

-- The change ownership came before these.
do $$
declare
    owner name := (select pg_get_userbyid(nspowner) from pg_catalog.pg_namespace where nspname = 'novatune');
    owned text;
begin
    foreach owned in array array[
        'type novatune.revocation_action', 'table novatune.revocations', 'function novatune.record_revocations()',
        'function novatune.record_deleted_tracks()']
    loop
        execute format('alter %s owner to %I', owned, owner);
    end loop;
end
$$;

commit;
