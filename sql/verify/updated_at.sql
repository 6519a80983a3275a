-- Verify novatune:updated_at on pg

begin;

do $$
begin
    assert (select count(*)
              from pg_catalog.pg_trigger
             where (tgrelid, tgname) in (('novatune.users'::regclass, 'users_set_updated_at'),
                                         ('novatune.tracks'::regclass, 'tracks_set_updated_at'))
               and tgfoid = 'novatune.set_updated_at()'::regprocedure
               and tgenabled <> 'D') = 2,
        'a table does not keep its updated_at';
end
$$;

rollback;
