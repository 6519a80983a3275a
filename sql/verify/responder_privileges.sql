-- Verify novatune:responder_privileges on pg

begin;

-- As text, a table's name then always shows its schema.
set local search_path = pg_catalog;

do $$
begin
    assert has_schema_privilege('novatune_responder', 'novatune', 'usage'),
        'novatune_responder may not use the schema';
    assert not has_schema_privilege('novatune_responder', 'novatune', 'create'),
        'novatune_responder may create objects';
    assert (
        select array_agg(attrelid::regclass || '.' || attname
                         order by (attrelid::regclass || '.' || attname) collate "C")
          from pg_catalog.pg_attribute
         where attrelid in ('novatune.users'::regclass, 'novatune.tracks'::regclass, 'novatune.track_grants'::regclass)
           and attnum > 0
           and not attisdropped
           -- Granted by the change waveforms, which verifies it.
           and attname <> 'waveform_object_key'
           and has_column_privilege('novatune_responder', attrelid, attnum, 'select')
    ) = array[
        'novatune.track_grants.expires_at', 'novatune.track_grants.grantee_id', 'novatune.track_grants.track_id',
        'novatune.tracks.file_size_bytes', 'novatune.tracks.mime_type', 'novatune.tracks.object_key',
        'novatune.tracks.status', 'novatune.tracks.track_id', 'novatune.tracks.user_id', 'novatune.tracks.version',
        'novatune.users.session_epoch', 'novatune.users.status', 'novatune.users.tokens_valid_after',
        'novatune.users.user_id'
    ], 'novatune_responder may read other columns than its query needs';
    assert not exists (
        select
          from unnest('{novatune.users,novatune.tracks,novatune.track_grants}'::regclass[]) as t
         where has_table_privilege('novatune_responder', t, 'insert, update, delete, truncate, references, trigger')
            or has_any_column_privilege('novatune_responder', t, 'insert, update, references')
    ), 'novatune_responder may write';
end
$$;

rollback;
