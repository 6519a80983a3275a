-- Verify novatune:grants_by_grantee on pg

begin;

do $$
begin
    assert (
        select indisvalid and indnkeyatts = 2 from pg_catalog.pg_index where indexrelid = 'novatune.track_grants_grantee_id_idx'::regclass
    ), 'grants are not indexed by grantee and track';
end
$$;

rollback;
