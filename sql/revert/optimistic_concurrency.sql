-- Revert novatune:optimistic_concurrency from pg

begin;

create or replace function novatune.raise_track_version() returns trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
begin
    if new.version <> old.version then
        raise exception 'version of track % may not be set by hand (from % to %)',
            old.track_id, old.version, new.version
            using errcode = 'check_violation',
                  schema = tg_table_schema, table = tg_table_name, column = 'version',
                  constraint = 'tracks_version_never_by_hand',
                  hint = 'Leave version out of the update: it rises by itself.';
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
    'Trigger: raises tracks.version with what a stream URL depends on, and refuses a version set by hand.';

commit;
