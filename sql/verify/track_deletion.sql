-- Verify novatune:track_deletion on pg

begin;

select deleted_at, scheduled_deletion_at, status_before_deletion from novatune.tracks where false;

do $$
begin
    assert (
        select count(*) = 3
          from pg_catalog.pg_constraint
         where conrelid = 'novatune.tracks'::regclass
           and convalidated
           and conname in ('tracks_deletion_complete', 'tracks_status_before_deletion_not_deleted',
                           'tracks_scheduled_deletion_after_deletion')
    ), 'novatune.tracks does not check its deletion';
end
$$;

rollback;
