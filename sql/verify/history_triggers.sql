-- Verify novatune:history_triggers on pg

begin;

do $$
begin
    assert (
        select count(*) = 3
          from pg_catalog.pg_trigger
          join pg_catalog.pg_proc on pg_proc.oid = tgfoid
         where (tgrelid, tgfoid) in (
               ('novatune.users'::regclass, 'novatune.record_user_change()'::regprocedure),
               ('novatune.tracks'::regclass, 'novatune.record_track_change()'::regprocedure),
               ('novatune.track_grants'::regclass, 'novatune.record_grant_change()'::regprocedure))
           and tgenabled <> 'D'
           and prosecdef
    ), 'changes leave no history';
end
$$;

rollback;
