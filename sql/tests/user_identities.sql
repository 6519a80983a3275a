begin;
\ir shared/setup.sql

select plan(68);

insert into novatune.users (user_id) select pg_temp.ulid(n) from generate_series(1, 4) as n;

create function pg_temp.details(statement text, out message text, out detail text, out hint text)
    language plpgsql
as $$
begin
    execute statement;
exception
    when others then
        get stacked diagnostics message = message_text, detail = pg_exception_detail, hint = pg_exception_hint;
end
$$;

-- The table.
select col_is_pk('novatune', 'user_identities', array['issuer', 'subject'], 'an identity is of one user');
select fk_ok('novatune', 'user_identities', 'user_id', 'novatune', 'users', 'user_id', 'user_id names a user');
select has_index('novatune', 'user_identities', 'user_identities_user_id_idx', array['user_id'],
    'a user''s identities are found by an index');
select lives_ok(
    format('insert into novatune.user_identities (issuer, subject, user_id) values (%L, %L, pg_temp.ulid(1))',
           issuer, subject), 'an identity may be: ' || description)
  from (values
    ('of Auth0', 'https://tenant.example.com/', 'auth0|60451f2b'),
    ('a UUID', 'https://login.example.com/realms/music', 'f47ac10b-58cc-4372-a567-0e02b2c3d479'),
    ('of digits', 'https://accounts.example.com', '110169484474386276334'),
    ('a space', 'i', ' '), ('beyond ASCII', 'i', 'é日🎵'), ('with a no-break space', 'i', E'a\u00a0b'),
    ('in quotes', 'i', '''"\'), ('of 255 bytes', repeat('i', 2048), repeat('s', 255)),
    ('of 127 characters in 254 bytes', 'i', repeat('é', 127))
  ) as identities (description, issuer, subject);
select throws_ok(
    format('insert into novatune.user_identities (issuer, subject, user_id) values (%L, %L, pg_temp.ulid(1))',
           issuer, subject), '23514', null, 'no identity is: ' || description)
  from (values
    ('without an issuer', '', 's'), ('without a subject', 'i', ''),
    ('of an issuer of 2049 bytes', repeat('i', 2049), 's'), ('a subject of 256 bytes', 'i', repeat('s', 256)),
    ('a subject of 128 characters in 256 bytes', 'i', repeat('é', 128)),
    ('with a line feed', 'i', E'a\n'), ('with a tab', 'i', E'\ta'), ('with U+0001', 'i', E'\u0001'),
    ('with U+001F', 'i', E'a\u001f'), ('with DEL', 'i', E'a\u007f'), ('with U+0080', 'i', E'\u0080'),
    ('with U+009F', 'i', E'\u009f'), ('with a control character in the issuer', E'i\n', 's')
  ) as identities (description, issuer, subject);
select lives_ok(
    $$insert into novatune.user_identities (issuer, subject, user_id)
      values ('i', E'\u00e9', pg_temp.ulid(1)), ('i', E'e\u0301', pg_temp.ulid(2)), ('I', E'\u00e9', pg_temp.ulid(2))$$,
    'identities that differ in any byte are different ones');
select throws_ok(
    $$insert into novatune.user_identities (issuer, subject, user_id) values ('i', ' ', pg_temp.ulid(2))$$,
    '23505', null, 'the same identity of another user is refused');
select throws_ok(
    $$insert into novatune.user_identities (issuer, subject, user_id) values ('i', 'x', pg_temp.ulid(99))$$,
    '23503', null, 'and one of an unknown user');

-- What is fixed.
select throws_ok(statement, '23514', 'an identity of user 00000000000000000000000001 may not be changed', statement)
  from unnest(array[
    'update novatune.user_identities set user_id = pg_temp.ulid(2) where subject = '' ''',
    'update novatune.user_identities set subject = ''CANARY'' where subject = '' ''',
    'update novatune.user_identities set issuer = ''j'' where subject = '' ''']) as statement;
select lives_ok('update novatune.user_identities set user_id = user_id, subject = subject',
    'writing the same back is no change');
select throws_ok('truncate novatune.user_identities', '23001', null, 'user_identities may not be truncated');
delete from novatune.user_identities;

-- By the functions.
select is(novatune.link_identity('https://i.example.com', 's-1', pg_temp.ulid(1), 'signed up'), true,
    'link_identity returns that it is new');
select is(novatune.link_identity('https://i.example.com', 's-1', pg_temp.ulid(1), 'again'), false,
    'or that it was linked already');
select is((select count(*) from novatune.user_identities), 1::bigint, 'and is linked once');
select is(novatune.link_identity('https://i.example.com', 's-2', pg_temp.ulid(1)), true, 'a user may have several');
select results_eq(
    $$select event::text, old_values, new_values, reason from novatune.history
       where subject_kind = 'user' and subject_id = pg_temp.ulid(1) and event = 'identity'
       order by position desc limit 2$$,
    $$values ('identity', null::jsonb, '{"issuer": "https://i.example.com", "subject": "s-2"}'::jsonb, null),
             ('identity', null, '{"issuer": "https://i.example.com", "subject": "s-1"}', 'signed up')$$,
    'history records what was linked and why');
select throws_ok($$select novatune.link_identity('https://i.example.com', 's-1', pg_temp.ulid(2))$$, '23505',
    'this identity of https://i.example.com is linked to user 00000000000000000000000001',
    'an identity of another user is not moved');
select matches(hint, 'select novatune\.unlink_identity\(issuer, subject, reason\)', 'and the hint names the function')
  from pg_temp.details($$select novatune.link_identity('https://i.example.com', 's-1', pg_temp.ulid(2))$$);
select throws_ok($$select novatune.link_identity('i', 's', pg_temp.ulid(99))$$, 'P0002',
    'there is no user 00000000000000000000000099', 'nor is one linked to a user who is not there');
select throws_ok(format('select novatune.link_identity(%L, %L, pg_temp.ulid(1))', issuer, subject), '23514', null,
    'link_identity refuses: ' || description)
  from (values ('no issuer', null, 's'), ('no subject', 'i', null), ('an empty subject', 'i', ''),
               ('a long one', 'i', repeat('s', 256)), ('a line feed', 'i', E's\n')
  ) as identities (description, issuer, subject);
select is(novatune.unlink_identity('https://i.example.com', 's-1', 'left'), true,
    'unlink_identity returns that it was linked');
select is(novatune.unlink_identity('https://i.example.com', 's-1', 'again'), false, 'or that it was not');
select is(novatune.unlink_identity(null, 's-1'), false, 'which null never is');
select results_eq(
    $$select old_values, new_values, reason from novatune.history
       where subject_kind = 'user' and subject_id = pg_temp.ulid(1) order by position desc limit 1$$,
    $$values ('{"issuer": "https://i.example.com", "subject": "s-1"}'::jsonb, null::jsonb, 'left')$$,
    'history records what was unlinked and why');
select is(novatune.link_identity('https://i.example.com', 's-1', pg_temp.ulid(2), 'moved'), true,
    'now it may be another user''s');
select is(current_setting('novatune.reason', true), '', 'and the next statement inherits no reason');
select is_empty('select * from novatune.find_history_faults()', 'every chain verifies');

-- No error of the functions shows a subject.
select unalike(concat_ws(' ', message, detail, hint), '%CANARY%', 'no subject in: ' || coalesce(message, ''))
  from (select novatune.link_identity('i', 'CANARY', pg_temp.ulid(3))) as linked,
       unnest(array[
    $$select novatune.link_identity('i', 'CANARY', pg_temp.ulid(1))$$,
    $$select novatune.link_identity('i', 'CANARY', pg_temp.ulid(99))$$,
    $$select novatune.link_identity(null, 'CANARY', pg_temp.ulid(1))$$,
    $$select novatune.link_identity('i', E'CANARY\n', pg_temp.ulid(1))$$,
    $$select novatune.link_identity('i', rpad('CANARY', 256, '-'), pg_temp.ulid(1))$$,
    $$insert into novatune.user_identities (issuer, subject, user_id) values ('i', E'CANARY\n', pg_temp.ulid(1))$$
       ]) as statement, lateral pg_temp.details(statement);
select is((select count(*) from novatune.user_identities where subject = 'CANARY'), 1::bigint, 'and it is still linked');

-- A deleted user's go, with their trace; the person is erased from history, also where another user had the identity.
select novatune.unlink_identity('i', 'CANARY', 'CANARY was here');
select novatune.link_identity('i', 'CANARY', pg_temp.ulid(4));
select novatune.link_identity('i', 'CANARY-2', pg_temp.ulid(4));
delete from novatune.users where user_id = pg_temp.ulid(4);
select is_empty($$select from novatune.user_identities where user_id = pg_temp.ulid(4)$$,
    'an identity ends with its user');
select is(
    (select count(*) from novatune.history
      where subject_id = pg_temp.ulid(4) and event = 'identity' and old_values ->> 'issuer' = 'i'), 2::bigint,
    'and history records it');
create temporary table heads as table novatune.history_heads;
select is(novatune.erase_person(pg_temp.ulid(4)), 8::bigint,
    'erased: the user''s chain, and the same identity in another''s');
select is_empty($$select from novatune.history where history::text like '%CANARY%'$$, 'no subject of the person is left');
select isnt_empty(
    $$select from novatune.history where subject_id = pg_temp.ulid(2) and new_values ->> 'subject' = 's-1'$$,
    'those of others stay');
select is_empty('select * from novatune.find_history_faults()', 'every chain still verifies');
select results_eq('table novatune.history_heads', 'table heads', 'against the same heads');
insert into novatune.users (user_id) values (pg_temp.ulid(4));
select is_empty($$select from novatune.user_identities where user_id = pg_temp.ulid(4)$$,
    'a user who comes back has no identity');

select * from finish();
rollback;
