-- Verify novatune:user_identities on pg

begin;

select issuer, subject, user_id, created_at
  from novatune.user_identities
 where false;

select has_function_privilege('novatune.refuse_identity_change()', 'execute'),
       has_function_privilege('novatune.record_identity_change()', 'execute');

do $$
begin
    assert (select array_agg(conname::text order by conname)
              from pg_catalog.pg_constraint
             where conrelid = 'novatune.user_identities'::regclass and contype in ('p', 'f'))
           @> '{user_identities_pkey, user_identities_user_id_fkey}',
        'novatune.user_identities lacks a constraint';
    assert to_regclass('novatune.user_identities_user_id_idx') is not null,
        'novatune.user_identities lacks an index';
    assert (select array_agg(tgname::text order by tgname)
              from pg_catalog.pg_trigger
             where tgrelid = 'novatune.user_identities'::regclass and not tgisinternal)
           @> '{user_identities_are_fixed, user_identities_no_truncate, user_identities_record_change}',
        'novatune.user_identities lacks a trigger';
    assert 'identity' = any (enum_range(null::novatune.history_event)::text[]),
        'novatune.history_event lacks identity';
    assert has_function_privilege('novatune_dba', 'novatune.link_identity(text, text, novatune.ulid, text)', 'execute')
        and has_function_privilege('novatune_dba', 'novatune.unlink_identity(text, text, text)', 'execute'),
        'novatune_dba may not link identities';
    assert (select array_agg(attname::text order by attname)
              from pg_catalog.pg_attribute
             where attrelid = 'novatune.user_identities'::regclass and attnum > 0
               and has_column_privilege('novatune_responder', attrelid, attnum, 'select'))
           = '{issuer, subject, user_id}',
        'novatune_responder may read more or less than its query needs';
end
$$;

rollback;
