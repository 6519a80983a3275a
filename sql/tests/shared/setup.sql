-- What every test needs. Included after begin, gone with its rollback.

\set QUIET 1
\set ON_ERROR_ROLLBACK 0
\set ON_ERROR_STOP 1
\pset format unaligned
\pset tuples_only true
\pset pager off
set local client_min_messages = warning;
create extension if not exists pgtap;

-- A valid ULID from a number: decimal digits are Crockford base32 too.
create function pg_temp.ulid(number bigint) returns text
    language sql immutable
    return lpad(number::text, 26, '0');

-- Runs one statement with the responder's privileges only.
create function pg_temp.as_responder(statement text) returns void
    language plpgsql
    set role = 'novatune_responder'
as $$
begin
    execute statement;
end
$$;
