-- Verify novatune:dba_privileges on pg

begin;

do $$
begin
    assert has_schema_privilege('novatune_dba', 'novatune', 'usage')
       and not has_schema_privilege('novatune_dba', 'novatune', 'create'),
        'novatune_dba may not use the schema, or may create in it';
    assert has_table_privilege('novatune_dba', 'novatune.tracks', 'select')
       and has_table_privilege('novatune_dba', 'novatune.tracks', 'update'),
        'novatune_dba may not manage tracks';
    assert not exists (
        select
          from unnest('{novatune.history,novatune.history_heads}'::regclass[]) as t
         where has_table_privilege('novatune_dba', t, 'insert, update, delete, truncate, references, trigger')
    ), 'novatune_dba may write history';
    assert not has_function_privilege('novatune_dba',
        'novatune.append_history(novatune.subject_kind, novatune.ulid, novatune.history_event, jsonb, jsonb)', 'execute'),
        'novatune_dba may append to history';
end
$$;

rollback;
