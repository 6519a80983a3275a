begin;
\ir shared/setup.sql

select plan(18);

select domain_type_is('novatune', 'ulid', 'pg_catalog', 'text', 'ulid is text');
select is(collation for (pg_temp.ulid(1)::novatune.ulid), '"C"', 'ulid compares by bytes');

select lives_ok(format('select %L::novatune.ulid', value), format('%s is accepted', value))
  from (values ('01ARZ3NDEKTSV4RRFFQ69G5FAV'),
               ('00000000000000000000000000'),
               ('7ZZZZZZZZZZZZZZZZZZZZZZZZZ'),
               ('0123456789ABCDEFGHJKMNPQRS'),
               ('0TVWXYZ0000000000000000000')) as good (value);

select throws_ok(format('select %L::novatune.ulid', value), '23514', null, condition || ' is refused')
  from (values ('lower case',             '01arz3ndektsv4rrffq69g5fav'),
               ('one lower-case letter',  '01ARZ3NDEKTSV4RRFFQ69G5FAv'),
               ('the letter I',           '01ARZ3NDEKTSV4RRFFQ69G5FAI'),
               ('the letter L',           '01ARZ3NDEKTSV4RRFFQ69G5FAL'),
               ('the letter O',           '01ARZ3NDEKTSV4RRFFQ69G5FAO'),
               ('the letter U',           '01ARZ3NDEKTSV4RRFFQ69G5FAU'),
               ('a first character 8',    '81ARZ3NDEKTSV4RRFFQ69G5FAV'),
               ('25 characters',          '01ARZ3NDEKTSV4RRFFQ69G5FA'),
               ('27 characters',          '01ARZ3NDEKTSV4RRFFQ69G5FAV0'),
               ('a trailing line feed',   E'01ARZ3NDEKTSV4RRFFQ69G5FAV\n'),
               ('the empty text',         '')) as bad (condition, value);

select * from finish();
rollback;
