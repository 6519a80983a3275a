-- Verify novatune:users on pg

begin;

select user_id, status, session_epoch, tokens_valid_after, created_at, updated_at
  from novatune.users
 where false;

do $$
begin
    assert enum_range(null::novatune.user_status)::text = '{Active,Disabled,PendingDeletion,Suspended}',
        'novatune.user_status has other values';
    assert (select array_agg(conname::text order by conname)
              from pg_catalog.pg_constraint
             where conrelid = 'novatune.users'::regclass
               and contype in ('p', 'c'))
           @> '{users_pkey,users_session_epoch_not_negative}',
        'novatune.users lacks a constraint';
end
$$;

rollback;
