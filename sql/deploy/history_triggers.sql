-- Deploy novatune:history_triggers to pg
-- requires: history

begin;

-- As their owner: who may change a row may not write history but by changing it.

create function novatune.record_user_change() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    set timezone = 'UTC'
as $$
declare
    old_row jsonb;
    new_row jsonb;
begin
    if tg_op <> 'INSERT' then
        old_row := jsonb_build_object(
            'status', old.status, 'session_epoch', old.session_epoch, 'tokens_valid_after', old.tokens_valid_after);
    end if;
    if tg_op <> 'DELETE' then
        new_row := jsonb_build_object(
            'status', new.status, 'session_epoch', new.session_epoch, 'tokens_valid_after', new.tokens_valid_after);
    end if;
    case tg_op
        when 'INSERT' then perform novatune.append_history('user', new.user_id, 'created', null, new_row);
        when 'DELETE' then perform novatune.append_history('user', old.user_id, 'removed', old_row, null);
        else
            if new.status <> old.status then
                perform novatune.append_history('user', new.user_id, 'status',
                    jsonb_build_object('status', old.status), jsonb_build_object('status', new.status));
            end if;
            -- A change of status raises the epoch by itself.
            if new.tokens_valid_after <> old.tokens_valid_after
                or new.session_epoch <> old.session_epoch and new.status = old.status then
                perform novatune.append_history('user', new.user_id, 'session', old_row - 'status', new_row - 'status');
            end if;
    end case;
    return null;
end
$$;

create function novatune.record_track_change() returns trigger
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

create function novatune.record_grant_change() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    set timezone = 'UTC'
    set enable_seqscan = off
as $$
declare
    old_row jsonb;
    new_row jsonb;
begin
    if tg_op <> 'INSERT' then
        old_row := jsonb_build_object('grantee_id', old.grantee_id, 'expires_at', old.expires_at, 'granted_by', old.granted_by);
    end if;
    if tg_op <> 'DELETE' then
        new_row := jsonb_build_object('grantee_id', new.grantee_id, 'expires_at', new.expires_at, 'granted_by', new.granted_by);
    end if;
    if old_row is distinct from new_row then
        -- The track before its history, as whoever changes the track itself: two that took them in turns would deadlock.
        perform from novatune.tracks t where t.track_id = coalesce(new.track_id, old.track_id) for no key update;
        perform novatune.append_history('track', coalesce(new.track_id, old.track_id), 'grant', old_row, new_row);
    end if;
    return null;
end
$$;

comment on function novatune.record_user_change() is
    'Trigger: appends what changed to the user''s history.';
comment on function novatune.record_track_change() is
    'Trigger: appends what changed to the track''s history.';
comment on function novatune.record_grant_change() is
    'Trigger: appends what changed to the history of the granted track.';

revoke all on function novatune.record_user_change() from public;
revoke all on function novatune.record_track_change() from public;
revoke all on function novatune.record_grant_change() from public;

create trigger users_record_change
    after insert or update or delete on novatune.users
    for each row
    execute function novatune.record_user_change();
create trigger tracks_record_change
    after insert or update or delete on novatune.tracks
    for each row
    execute function novatune.record_track_change();
create trigger track_grants_record_change
    after insert or update or delete on novatune.track_grants
    for each row
    execute function novatune.record_grant_change();

comment on trigger users_record_change on novatune.users is
    'Every change leaves its trace, in the same transaction.';
comment on trigger tracks_record_change on novatune.tracks is
    'Every change leaves its trace, in the same transaction.';
comment on trigger track_grants_record_change on novatune.track_grants is
    'Every change leaves its trace, in the same transaction.';

commit;
