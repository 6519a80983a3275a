-- Verify novatune:invalidation on pg

begin;

do $$
begin
    assert (
        select count(*) = 3
          from pg_catalog.pg_trigger
         where (tgrelid, tgfoid) in (
               ('novatune.users'::regclass, 'novatune.invalidate_user()'::regprocedure),
               ('novatune.tracks'::regclass, 'novatune.invalidate_track()'::regprocedure),
               ('novatune.track_grants'::regclass, 'novatune.invalidate_grant()'::regprocedure))
           and tgenabled <> 'D'
    ), 'responders are not told of changes';
end
$$;

rollback;
