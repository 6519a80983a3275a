-- Deploy novatune:waveforms to pg
-- requires: tracks
-- requires: optimistic_concurrency
-- requires: history_triggers
-- requires: invalidation
-- requires: responder_privileges
-- requires: ownership

-- Three steps, so that no lock is held for long: what an earlier step has made may be there already.

begin;

-- Readers and writers of tracks wait until this transaction ends. It reads no row: the column is null in each.
set local lock_timeout = '2s';

-- The limits of object_key. As there, several tracks may name one object.
alter table novatune.tracks
    add column if not exists waveform_object_key text,
    drop constraint if exists tracks_waveform_object_key_not_empty,
    drop constraint if exists tracks_waveform_object_key_at_most_1024_bytes,
    drop constraint if exists tracks_waveform_object_key_no_leading_slash,
    drop constraint if exists tracks_waveform_object_key_no_dot_segments,
    drop constraint if exists tracks_waveform_object_key_no_control_characters,
    add constraint tracks_waveform_object_key_not_empty
        check (waveform_object_key <> '') not valid,
    add constraint tracks_waveform_object_key_at_most_1024_bytes
        check (octet_length(waveform_object_key) <= 1024) not valid,
    add constraint tracks_waveform_object_key_no_leading_slash
        check (waveform_object_key !~ '^/') not valid,
    add constraint tracks_waveform_object_key_no_dot_segments
        check (waveform_object_key !~ '(^|/)\.\.?(/|$)') not valid,
    add constraint tracks_waveform_object_key_no_control_characters
        check (waveform_object_key !~ '[\u0001-\u001F\u007F-\u009F]') not valid;

create or replace function novatune.raise_track_version() returns trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
begin
    if new.version < old.version then
        raise exception 'track % is at version %, not at %', old.track_id, old.version, new.version
            using errcode = 'serialization_failure',
                  schema = tg_table_schema, table = tg_table_name, column = 'version',
                  hint = 'Another session has changed it since it was read: read it again.';
    end if;
    if new.version > old.version then
        raise exception 'version of track % may not be set by hand (from % to %)',
            old.track_id, old.version, new.version
            using errcode = 'check_violation',
                  schema = tg_table_schema, table = tg_table_name, column = 'version',
                  constraint = 'tracks_version_never_by_hand',
                  hint = 'Leave version out of the update, or name the present one: it rises by itself.';
    end if;
    if (new.user_id, new.object_key, new.mime_type, new.file_size_bytes, new.status, new.waveform_object_key)
        is distinct from
       (old.user_id, old.object_key, old.mime_type, old.file_size_bytes, old.status, old.waveform_object_key) then
        new.version := old.version + 1;
    end if;
    return new;
end
$$;

create or replace function novatune.record_track_change() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    set timezone = 'UTC'
as $$
declare
    old_object jsonb;
    new_object jsonb;
begin
    -- A track without a waveform leaves what it left before.
    if tg_op <> 'INSERT' then
        old_object := jsonb_build_object(
            'object_key', old.object_key, 'mime_type', old.mime_type, 'file_size_bytes', old.file_size_bytes)
            || jsonb_strip_nulls(jsonb_build_object('waveform_object_key', old.waveform_object_key));
    end if;
    if tg_op <> 'DELETE' then
        new_object := jsonb_build_object(
            'object_key', new.object_key, 'mime_type', new.mime_type, 'file_size_bytes', new.file_size_bytes)
            || jsonb_strip_nulls(jsonb_build_object('waveform_object_key', new.waveform_object_key));
    end if;
    case tg_op
        when 'INSERT' then
            perform novatune.append_history('track', new.track_id, 'created', null, new_object || jsonb_build_object(
                'status', new.status, 'user_id', new.user_id, 'version', new.version));
        when 'DELETE' then
            perform novatune.append_history('track', old.track_id, 'removed', old_object || jsonb_build_object(
                'status', old.status, 'user_id', old.user_id, 'version', old.version), null);
        else
            if new.status <> old.status then
                perform novatune.append_history('track', new.track_id, 'status',
                    jsonb_build_object('status', old.status), jsonb_build_object('status', new.status));
            end if;
            if new.user_id <> old.user_id then
                perform novatune.append_history('track', new.track_id, 'owner',
                    jsonb_build_object('user_id', old.user_id), jsonb_build_object('user_id', new.user_id));
            end if;
            if new_object <> old_object then
                perform novatune.append_history('track', new.track_id, 'object', old_object, new_object);
            end if;
    end case;
    return null;
end
$$;

-- Without sequential scans: a plan that was made while there were few grants would still scan them when there are many.
create or replace function novatune.invalidate_track() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    set enable_seqscan = off
as $$
declare
    reason text := 'status_change';
    grantee text;
begin
    -- Nothing else is cached that would still be handed out.
    if old.status <> 'Ready' then
        return null;
    end if;
    if tg_op = 'DELETE' then
        reason := 'deletion';
    elsif new.status = 'Deleted' then
        reason := 'deletion';
    elsif (new.user_id, new.object_key, new.mime_type, new.file_size_bytes, new.status, new.waveform_object_key)
        is not distinct from
          (old.user_id, old.object_key, old.mime_type, old.file_size_bytes, old.status, old.waveform_object_key) then
        return null;
    end if;
    if not novatune.invalidate(old.user_id, old.track_id, reason) then
        return null;
    end if;
    for grantee in select g.grantee_id from novatune.track_grants g where g.track_id = old.track_id loop
        exit when not novatune.invalidate(grantee, old.track_id, reason);
    end loop;
    return null;
end
$$;

comment on table novatune.tracks is
    'Audio files in the object store, their waveforms and who owns them.';
comment on column novatune.tracks.waveform_object_key is
    'Key of the object, JSON, from which a player draws the track''s loudness; the limits of object_key. Null where there is none. Another object_key does not change it.';
comment on column novatune.tracks.version is
    'Counts what makes cached URLs of this track stale: each change of user_id, object_key, mime_type, file_size_bytes, status or waveform_object_key.';
comment on type novatune.history_event is
    'What changed: object covers keys, MIME type and size; session what ends tokens and cached URLs; grant what others may stream; identity what identity providers call the user.';

-- What the responder's query for waveforms reads beside the other one's columns (tests/responder_query.sql).
grant select (waveform_object_key) on novatune.tracks to novatune_responder;

commit;

begin;

-- Reads all rows. Requests and writes go on.
set local lock_timeout = '2s';

alter table novatune.tracks
    validate constraint tracks_waveform_object_key_not_empty,
    validate constraint tracks_waveform_object_key_at_most_1024_bytes,
    validate constraint tracks_waveform_object_key_no_leading_slash,
    validate constraint tracks_waveform_object_key_no_dot_segments,
    validate constraint tracks_waveform_object_key_no_control_characters;

commit;

-- Without a transaction: concurrently, so that writes go on. What an interrupted deployment left is dropped first.
drop index concurrently if exists novatune.tracks_waveform_object_key_idx;
create index concurrently tracks_waveform_object_key_idx
    on novatune.tracks (waveform_object_key) where waveform_object_key is not null;
comment on index novatune.tracks_waveform_object_key_idx is
    'Which tracks name an object as their waveform, for takedowns and for tidying up the store.';
