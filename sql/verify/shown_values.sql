-- Verify novatune:shown_values on pg

begin;

do $$
begin
    assert (
        select count(*) = 2
          from pg_catalog.pg_proc
         where oid in ('novatune.refuse_key_change()'::regprocedure, 'novatune.check_track_transition()'::regprocedure)
           and prosrc like '%detail = %'
    ), 'errors do not show what was wrong';
end
$$;

rollback;
