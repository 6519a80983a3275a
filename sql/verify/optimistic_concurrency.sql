-- Verify novatune:optimistic_concurrency on pg

begin;

do $$
begin
    assert pg_get_functiondef('novatune.raise_track_version()'::regprocedure) like '%serialization_failure%',
        'an update that names an old version is not refused as such';
end
$$;

rollback;
