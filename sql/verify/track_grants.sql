-- Verify novatune:track_grants on pg

begin;

select track_id, grantee_id, expires_at, granted_by, created_at
  from novatune.track_grants
 where false;

do $$
begin
    assert (select array_agg(conname::text order by conname)
              from pg_catalog.pg_constraint
             where conrelid = 'novatune.track_grants'::regclass
               and contype in ('p', 'f'))
           @> '{track_grants_pkey, track_grants_track_id_fkey,
                track_grants_grantee_id_fkey, track_grants_granted_by_fkey}',
        'novatune.track_grants lacks a constraint';
    assert to_regclass('novatune.track_grants_grantee_id_idx') is not null
       and to_regclass('novatune.track_grants_granted_by_idx') is not null,
        'novatune.track_grants lacks an index';
end
$$;

rollback;
