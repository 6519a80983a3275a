-- Verify novatune:authorizer_role on pg

begin;

do $$
begin
    assert exists (
        select
          from pg_catalog.pg_roles
         where rolname = 'novatune_authorizer'
           and rolcanlogin
           and not (rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls)
    ), 'role novatune_authorizer is missing, may not log in, or may more than that';
    assert has_database_privilege('novatune_authorizer', current_database(), 'connect'),
        'novatune_authorizer may not connect';
    assert has_column_privilege('novatune_authorizer', 'novatune.user_revocations', 'user_id', 'select')
        and has_column_privilege('novatune_authorizer', 'novatune.user_revocations', 'object_key', 'select')
        and has_table_privilege('novatune_authorizer', 'novatune.user_revocations', 'delete')
        and has_column_privilege('novatune_authorizer', 'novatune.settings', 'record_user_revocations', 'select'),
        'novatune_authorizer may less than its process needs';
    assert not has_any_column_privilege('novatune_authorizer', 'novatune.user_revocations', 'insert, update, references')
        and not has_any_column_privilege('novatune_authorizer', 'novatune.users', 'select, insert, update, references')
        and not has_any_column_privilege('novatune_authorizer', 'novatune.tracks', 'select, insert, update, references')
        and not has_any_column_privilege('novatune_authorizer', 'novatune.settings', 'insert, update, references'),
        'novatune_authorizer may more than its process needs';
end
$$;

rollback;
