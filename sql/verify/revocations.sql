-- Verify novatune:revocations on pg

begin;

select position, object_key, action, requested_at, attempts, due_at, failure
  from novatune.revocations
 where false;
select record_revocations from novatune.settings where false;
select has_function_privilege('novatune.record_revocations()', 'execute'),
       has_function_privilege('novatune.record_deleted_tracks()', 'execute');

do $$
begin
    assert enum_range(null::novatune.revocation_action)::text[] = '{revoke, restore}',
        'novatune.revocation_action has other values, or another order';
    assert to_regclass('novatune.revocations_due_idx') is not null
        and to_regclass('novatune.revocations_age_idx') is not null
        and to_regclass('novatune.revocations_object_key_idx') is not null,
        'novatune.revocations lacks an index';
    assert (select array_agg(tgname::text order by tgname)
              from pg_catalog.pg_trigger
             where tgrelid = 'novatune.tracks'::regclass and not tgisinternal)
           @> '{tracks_record_deleted, tracks_record_inserted, tracks_record_updated}',
        'novatune.tracks lacks a trigger';
    assert exists (
        select
          from pg_catalog.pg_trigger
         where tgrelid = 'novatune.settings'::regclass and tgname = 'settings_record_deleted_tracks'
    ), 'novatune.settings lacks a trigger';
    assert has_column_privilege('novatune_responder', 'novatune.settings', 'record_revocations', 'select'),
        'novatune_responder may not see whether revocations are recorded';
end
$$;

rollback;
