-- Deploy novatune:ulid to pg
-- requires: schema

begin;

-- Collation C: a ULID's byte order is its order in time, and comparing bytes
-- is the cheapest comparison an index can make.
create domain novatune.ulid as text collate "C"
    constraint ulid_crockford_base32
        check (value ~ '^[0-7][0-9A-HJKMNP-TV-Z]{25}$');

comment on domain novatune.ulid is
    'ULID: 26 upper-case Crockford base32 characters (no I, L, O, U), the first at most 7, so that it fits 128 bits.';

commit;
