-- Verify novatune:revoker_role on pg

begin;

do $$
begin
    assert exists (
        select
          from pg_catalog.pg_roles
         where rolname = 'novatune_revoker'
           and rolcanlogin
           and not (rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls)
    ), 'role novatune_revoker is missing, may not log in, or may more than that';
    assert has_database_privilege('novatune_revoker', current_database(), 'connect'),
        'novatune_revoker may not connect';
    assert has_table_privilege('novatune_revoker', 'novatune.revocations', 'select')
        and has_table_privilege('novatune_revoker', 'novatune.revocations', 'delete')
        and has_column_privilege('novatune_revoker', 'novatune.tracks', 'object_key', 'select')
        and has_column_privilege('novatune_revoker', 'novatune.tracks', 'status', 'select'),
        'novatune_revoker may less than its process needs';
    assert not has_table_privilege('novatune_revoker', 'novatune.revocations', 'insert, update, truncate')
        and not has_any_column_privilege('novatune_revoker', 'novatune.tracks', 'insert, update, references')
        and not has_any_column_privilege('novatune_revoker', 'novatune.users', 'select, insert, update, references'),
        'novatune_revoker may more than its process needs';
end
$$;

rollback;
