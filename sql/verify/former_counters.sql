-- Verify novatune:former_counters on pg

begin;

select user_id, session_epoch, tokens_valid_after, removed_at from novatune.removed_users where false;
select track_id, version, removed_at from novatune.removed_tracks where false;

do $$
begin
    assert (
        select count(*) = 4
          from pg_catalog.pg_trigger
          join pg_catalog.pg_proc on pg_proc.oid = tgfoid
         where (tgrelid, tgfoid) in (
               ('novatune.users'::regclass, 'novatune.keep_user_counters()'::regprocedure),
               ('novatune.tracks'::regclass, 'novatune.keep_track_counters()'::regprocedure),
               ('novatune.users'::regclass, 'novatune.check_continued_user()'::regprocedure),
               ('novatune.tracks'::regclass, 'novatune.check_continued_track()'::regprocedure))
           and tgenabled <> 'D'
           and prosecdef
    ), 'the counters of deleted rows are not kept';
end
$$;

rollback;
