-- Revert novatune:waveforms from pg

begin;

set local lock_timeout = '2s';

-- Word for word as optimistic_concurrency, history_triggers and invalidation made them.
create or replace function novatune.raise_track_version() returns trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
begin
    if new.version < old.version then
        raise exception 'track % is at version %, not at %', old.track_id, old.version, new.version
            using errcode = 'serialization_failure',
                  schema = tg_table_schema, table = tg_table_name, column = 'version',
                  hint = 'Somebody else changed it since it was read: read it again.';
    end if;
    if new.version > old.version then
        raise exception 'version of track % may not be set by hand (from % to %)',
            old.track_id, old.version, new.version
            using errcode = 'check_violation',
                  schema = tg_table_schema, table = tg_table_name, column = 'version',
                  constraint = 'tracks_version_never_by_hand',
                  hint = 'Leave version out of the update, or name the present one: it rises by itself.';
    end if;
    if (new.user_id, new.object_key, new.mime_type, new.file_size_bytes, new.status)
        is distinct from
       (old.user_id, old.object_key, old.mime_type, old.file_size_bytes, old.status) then
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
begin
    case tg_op
        when 'INSERT' then
            perform novatune.append_history('track', new.track_id, 'created', null, jsonb_build_object(
                'status', new.status, 'user_id', new.user_id, 'object_key', new.object_key, 'mime_type', new.mime_type,
                'file_size_bytes', new.file_size_bytes, 'version', new.version));
        when 'DELETE' then
            perform novatune.append_history('track', old.track_id, 'removed', jsonb_build_object(
                'status', old.status, 'user_id', old.user_id, 'object_key', old.object_key, 'mime_type', old.mime_type,
                'file_size_bytes', old.file_size_bytes, 'version', old.version), null);
        else
            if new.status <> old.status then
                perform novatune.append_history('track', new.track_id, 'status',
                    jsonb_build_object('status', old.status), jsonb_build_object('status', new.status));
            end if;
            if new.user_id <> old.user_id then
                perform novatune.append_history('track', new.track_id, 'owner',
                    jsonb_build_object('user_id', old.user_id), jsonb_build_object('user_id', new.user_id));
            end if;
            if (new.object_key, new.mime_type, new.file_size_bytes) <> (old.object_key, old.mime_type, old.file_size_bytes) then
                perform novatune.append_history('track', new.track_id, 'object',
                    jsonb_build_object(
                        'object_key', old.object_key, 'mime_type', old.mime_type, 'file_size_bytes', old.file_size_bytes),
                    jsonb_build_object(
                        'object_key', new.object_key, 'mime_type', new.mime_type, 'file_size_bytes', new.file_size_bytes));
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
    elsif (new.user_id, new.object_key, new.mime_type, new.file_size_bytes, new.status)
        = (old.user_id, old.object_key, old.mime_type, old.file_size_bytes, old.status) then
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
    'Audio files in the object store and who owns them.';
comment on column novatune.tracks.version is
    'Counts what makes cached stream URLs of this track stale: each change of user_id, object_key, mime_type, file_size_bytes or status.';
comment on type novatune.history_event is
    'What changed: object covers key, MIME type and size; session what ends tokens and cached URLs; grant what others may stream; identity what identity providers call the user.';

-- Its constraints, its index and the privilege on it go with it. What history says of waveforms stays.
alter table novatune.tracks drop column waveform_object_key;

commit;
