-- Verify novatune:user_revocations on pg

begin;

select position, user_id, session_epoch, track_id, object_key, recorded_at
  from novatune.user_revocations
 where false;
select record_user_revocations from novatune.settings where false;
select has_function_privilege('novatune.notify_user_revocation()', 'execute'),
       has_function_privilege('novatune.record_ended_sessions()', 'execute'),
       has_function_privilege('novatune.record_access()', 'execute');

do $$
begin
    assert to_regclass('novatune.user_revocations_object_idx') is not null,
        'novatune.user_revocations lacks its index';
    assert (select array_agg(format('%s %s', tgrelid::regclass, tgname) order by 1)
              from pg_catalog.pg_trigger
             where tgrelid in ('novatune.users'::regclass, 'novatune.tracks'::regclass,
                               'novatune.track_grants'::regclass) and not tgisinternal)
           @> '{novatune.users users_record_updated, novatune.users users_record_deleted,
                novatune.tracks tracks_record_first_owner, novatune.tracks tracks_record_owner,
                novatune.track_grants track_grants_record_inserted,
                novatune.track_grants track_grants_record_updated, novatune.track_grants track_grants_record_deleted}',
        'a table of novatune lacks a trigger of user_revocations';
end
$$;

rollback;
