-- Deploy novatune:optimistic_concurrency to pg
-- requires: track_version

begin;

-- Who names the version that was read gets an error where somebody else was faster.
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

comment on function novatune.raise_track_version() is
    'Trigger: raises tracks.version with what a stream URL depends on, and refuses an update that names another version than the row''s.';

commit;
