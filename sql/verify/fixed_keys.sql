-- Verify novatune:fixed_keys on pg

begin;

do $$
begin
    assert (
        select count(*) = 6
          from pg_catalog.pg_trigger
         where tgrelid in ('novatune.users'::regclass, 'novatune.tracks'::regclass, 'novatune.track_grants'::regclass)
           and tgfoid in ('novatune.refuse_key_change()'::regprocedure, 'novatune.refuse_truncate()'::regprocedure)
           and tgenabled <> 'D'
    ), 'keys may be changed or tables truncated';
end
$$;

rollback;
