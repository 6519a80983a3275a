-- Verify novatune:tracks on pg

begin;

select track_id, user_id, title, object_key, mime_type, file_size_bytes, status, version, created_at, updated_at
  from novatune.tracks
 where false;

do $$
begin
    assert enum_range(null::novatune.track_status)::text = '{Processing,Ready,Failed,Deleted}',
        'novatune.track_status has other values';
    assert (select array_agg(conname::text order by conname)
              from pg_catalog.pg_constraint
             where conrelid = 'novatune.tracks'::regclass
               and contype in ('p', 'f', 'c'))
           @> '{tracks_pkey, tracks_user_id_fkey, tracks_title_not_empty,
                tracks_object_key_not_empty, tracks_object_key_at_most_1024_bytes,
                tracks_object_key_no_leading_slash, tracks_object_key_no_dot_segments,
                tracks_object_key_no_control_characters, tracks_mime_type_length,
                tracks_mime_type_type_and_subtype, tracks_file_size_bytes_positive,
                tracks_version_positive}',
        'novatune.tracks lacks a constraint';
    assert to_regclass('novatune.tracks_user_id_idx') is not null,
        'novatune.tracks lacks its index on user_id';
end
$$;

rollback;
