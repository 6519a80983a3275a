-- Verify novatune:schema on pg

begin;

do $$
begin
    assert has_schema_privilege('novatune', 'usage'), 'schema novatune is not usable';
    assert current_setting('server_encoding') = 'UTF8', 'the database is not encoded in UTF8';
end
$$;

rollback;
