-- Verify novatune:exchange_reason on pg

begin;

do $$
begin
    assert has_function_privilege('novatune_dba', 'novatune.exchange_reason(text)', 'execute'),
        'novatune_dba may not exchange the reason';
    assert (
        select array_agg(proname::text order by proname collate "C")
          from pg_catalog.pg_proc
         where pronamespace = 'novatune'::regnamespace and prosrc like '%novatune.exchange_reason(reason)%'
    ) = '{delete_track,grant_access,logout_all,reinstate_user,restore_track,revoke_access,suspend_user}',
        'a function does not set its reason by novatune.exchange_reason';
end
$$;

rollback;
