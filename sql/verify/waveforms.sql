-- Verify novatune:waveforms on pg

begin;

select waveform_object_key
  from novatune.tracks
 where false;

do $$
begin
    assert (
        select count(*) = 5
          from pg_catalog.pg_constraint
         where conrelid = 'novatune.tracks'::regclass and contype = 'c' and convalidated
           and conname ~ '^tracks_waveform_object_key_'
    ), 'novatune.tracks lacks a constraint of waveform_object_key, or one was not validated';
    assert (
        select count(*) = 3
          from unnest('{raise_track_version(),record_track_change(),invalidate_track()}'::text[]) as name
         where pg_get_functiondef(('novatune.' || name)::regprocedure) like '%waveform_object_key%'
    ), 'a trigger of novatune.tracks leaves waveforms out';
    assert has_column_privilege('novatune_responder', 'novatune.tracks', 'waveform_object_key', 'select'),
        'novatune_responder may not read what its query needs';
    assert (
        select count(*) = 1
          from pg_catalog.pg_index
         where indexrelid = 'novatune.tracks_waveform_object_key_idx'::regclass and indisvalid
    ), 'the index of waveforms is missing or was not finished';
end
$$;

rollback;
