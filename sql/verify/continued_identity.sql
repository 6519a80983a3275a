-- Verify novatune:continued_identity on pg

begin;

do $$
begin
    assert (
        select count(*) = 2
          from pg_catalog.pg_trigger
         where (tgrelid, tgfoid) in (
               ('novatune.users'::regclass, 'novatune.continue_user()'::regprocedure),
               ('novatune.tracks'::regclass, 'novatune.continue_track()'::regprocedure))
           and tgenabled <> 'D'
    ), 'rows that come back begin anew';
end
$$;

rollback;
