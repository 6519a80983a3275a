-- Verify novatune:session_epoch on pg

begin;

do $$
begin
    assert exists (
        select
          from pg_catalog.pg_trigger
         where tgrelid = 'novatune.users'::regclass
           and tgname = 'users_raise_session_epoch'
           and tgfoid = 'novatune.raise_session_epoch()'::regprocedure
           and tgenabled <> 'D'
    ), 'novatune.users does not raise its session_epoch';
end
$$;

rollback;
