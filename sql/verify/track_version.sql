-- Verify novatune:track_version on pg

begin;

do $$
begin
    assert exists (
        select
          from pg_catalog.pg_trigger
         where tgrelid = 'novatune.tracks'::regclass
           and tgname = 'tracks_raise_version'
           and tgfoid = 'novatune.raise_track_version()'::regprocedure
           and tgenabled <> 'D'
    ), 'novatune.tracks does not raise its version';
end
$$;

rollback;
