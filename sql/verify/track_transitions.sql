-- Verify novatune:track_transitions on pg

begin;

do $$
begin
    assert exists (
        select
          from pg_catalog.pg_trigger
         where tgrelid = 'novatune.tracks'::regclass
           and tgname = 'tracks_check_transition'
           and tgfoid = 'novatune.check_track_transition()'::regprocedure
           and tgenabled <> 'D'
    ), 'novatune.tracks does not check its transitions';
end
$$;

rollback;
