-- Deploy novatune:track_functions to pg
-- requires: track_transitions
-- requires: history_triggers

begin;

-- With the caller's own rights: the triggers do the work, and do it for an update by hand as well.

create function novatune.track_status_of(id novatune.ulid) returns novatune.track_status
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
declare
    found_status novatune.track_status;
begin
    select t.status into found_status from novatune.tracks t where t.track_id = id for no key update;
    if not found then
        raise exception 'there is no track %', id using errcode = 'no_data_found';
    end if;
    return found_status;
end
$$;

create function novatune.delete_track(id novatune.ulid, reason text) returns novatune.track_status
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
declare
    outer_reason text := current_setting('novatune.reason', true);
begin
    if novatune.track_status_of(id) = 'Deleted' then
        raise notice 'track % is deleted already', id;
        return 'Deleted';
    end if;
    perform set_config('novatune.reason', coalesce(reason, ''), true);
    update novatune.tracks t set status = 'Deleted' where t.track_id = id;
    perform set_config('novatune.reason', coalesce(outer_reason, ''), true);
    return 'Deleted';
end
$$;

create function novatune.restore_track(id novatune.ulid, reason text) returns novatune.track_status
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
declare
    outer_reason text := current_setting('novatune.reason', true);
    present novatune.track_status := novatune.track_status_of(id);
    restored novatune.track_status;
begin
    if present <> 'Deleted' then
        raise exception 'track % is %, not Deleted', id, present
            using errcode = 'object_not_in_prerequisite_state', hint = 'Only a deleted track can be restored.';
    end if;
    perform set_config('novatune.reason', coalesce(reason, ''), true);
    update novatune.tracks t set status = t.status_before_deletion where t.track_id = id returning t.status into restored;
    perform set_config('novatune.reason', coalesce(outer_reason, ''), true);
    return restored;
end
$$;

create function novatune.mark_ready(track novatune.ulid, object_key text, mime_type text, size bigint)
    returns novatune.track_status
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
declare
    present novatune.track_status := novatune.track_status_of(track);
begin
    if present = 'Ready' then
        raise exception 'track % is Ready already', track
            using errcode = 'object_not_in_prerequisite_state',
                  hint = 'Give it another object by update; listeners get it with their next request.';
    elsif present = 'Deleted' then
        raise exception 'track % is Deleted', track
            using errcode = 'object_not_in_prerequisite_state', hint = 'Restore it first.';
    end if;
    update novatune.tracks t
       set object_key = mark_ready.object_key, mime_type = mark_ready.mime_type, file_size_bytes = size, status = 'Ready'
     where t.track_id = track;
    return 'Ready';
end
$$;

comment on function novatune.track_status_of(novatune.ulid) is
    'Status of a track, whose row stays locked until the end of the transaction; an error where there is none.';
comment on function novatune.delete_track(novatune.ulid, text) is
    'Deletes a track: it streams no more, and can be restored within the grace. The reason goes into its history.';
comment on function novatune.restore_track(novatune.ulid, text) is
    'Gives a deleted track the status that it had before. The reason goes into its history.';
comment on function novatune.mark_ready(novatune.ulid, text, text, bigint) is
    'Processing has ended well: names the object, its MIME type and size in bytes, and lets the track stream.';

revoke all on function novatune.track_status_of(novatune.ulid) from public;
revoke all on function novatune.delete_track(novatune.ulid, text) from public;
revoke all on function novatune.restore_track(novatune.ulid, text) from public;
revoke all on function novatune.mark_ready(novatune.ulid, text, text, bigint) from public;

commit;
