-- Verify novatune:counter_limits on pg

begin;

do $$
begin
    assert (
        select count(*) = 3
          from pg_catalog.pg_trigger
         where (tgrelid, tgfoid) in (
               ('novatune.users'::regclass, 'novatune.check_user_counters()'::regprocedure),
               ('novatune.tracks'::regclass, 'novatune.check_track_counters()'::regprocedure),
               ('novatune.users'::regclass, 'novatune.raise_session_epoch()'::regprocedure))
           and tgenabled <> 'D'
    ), 'counters may be set to their end';
    assert (
        select prosrc like '%users_tokens_valid_after_never_moves_back%'
          from pg_catalog.pg_proc
         where oid = 'novatune.raise_session_epoch()'::regprocedure
    ), 'tokens_valid_after may move back';
end
$$;

rollback;
