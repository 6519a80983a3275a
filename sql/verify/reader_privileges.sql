-- Verify novatune:reader_privileges on pg

begin;

do $$
begin
    assert has_column_privilege('novatune_reader', 'novatune.tracks', 'status', 'select')
       and has_table_privilege('novatune_reader', 'novatune.status_history', 'select'),
        'novatune_reader may not see statuses';
    assert not has_column_privilege('novatune_reader', 'novatune.tracks', 'object_key', 'select')
       and not has_column_privilege('novatune_reader', 'novatune.tracks', 'title', 'select')
       and not has_any_column_privilege('novatune_reader', 'novatune.history', 'select'),
        'novatune_reader may see object keys, titles or history';
end
$$;

rollback;
