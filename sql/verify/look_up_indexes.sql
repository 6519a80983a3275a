-- Verify novatune:look_up_indexes on pg

begin;

do $$
begin
    assert (
        select count(*) = 5
          from pg_catalog.pg_index
          join pg_catalog.pg_class on pg_class.oid = indexrelid
         where relnamespace = 'novatune'::regnamespace and indisvalid
           and relname in ('tracks_object_key_idx', 'history_changed_at_idx', 'history_owner_idx',
                           'history_grantee_idx', 'history_actor_idx')
    ), 'an index for look-ups is missing or was not finished';
end
$$;

rollback;
