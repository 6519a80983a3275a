begin;
\ir shared/setup.sql

select plan(25);

insert into novatune.users (user_id, tokens_valid_after)
values (pg_temp.ulid(1), '2026-01-08 12:00:00+00'), (pg_temp.ulid(2), '-infinity'), (pg_temp.ulid(3), '-infinity');
insert into novatune.tracks (track_id, user_id, title, object_key, mime_type, file_size_bytes, status)
values (pg_temp.ulid(11), pg_temp.ulid(1), 'Song', 'CANARY-key', 'audio/mpeg', 1, 'Ready'),
       (pg_temp.ulid(12), pg_temp.ulid(2), 'Song', 'k', 'audio/mpeg', 1, 'Ready');
set local novatune.actor = 'CANARY-actor';
select novatune.suspend_user(pg_temp.ulid(1), 'CANARY-reason');
set local novatune.actor = '';
select novatune.grant_access(pg_temp.ulid(12), pg_temp.ulid(1), reason => 'CANARY-grant');
select novatune.grant_access(pg_temp.ulid(12), pg_temp.ulid(3), reason => 'stays');
update novatune.tracks set user_id = pg_temp.ulid(3) where track_id = pg_temp.ulid(11);

-- A row as history wrote it before there were digests.
update novatune.history h
   set hash = sha256(convert_to(jsonb_build_array(
           subject_kind::text, subject_id::text, position, extract(epoch from changed_at), changed_by, actor,
           event::text, old_values, new_values, reason, encode(previous_hash, 'hex'))::text, 'UTF8'))
 where (subject_kind, subject_id, position) = ('user', pg_temp.ulid(1), 2);
delete from novatune.history_digests where (subject_kind, subject_id, position) = ('user', pg_temp.ulid(1), 2);
update novatune.history_heads g
   set hash = h.hash
  from novatune.history h
 where (h.subject_kind, h.subject_id, h.position) = ('user', pg_temp.ulid(1), 2)
   and (g.subject_kind, g.subject_id) = (h.subject_kind, h.subject_id);

select is_empty('select * from novatune.find_history_faults()', 'old rows and new ones verify');
select is(
    (select count(*) from novatune.history_digests d join novatune.history using (subject_kind, subject_id, position)
      where octet_length(salt) = 32 and octet_length(digest) = 32 and erased_at is null and changed_at >= now()),
    (select count(*) - 1 from novatune.history where changed_at >= now()), 'each new row has a salt and a digest');
select is((select count(distinct salt) from novatune.history_digests),
    (select count(salt) from novatune.history_digests),
    'and no two the same salt');

-- A person.
select throws_ok('select novatune.erase_person(pg_temp.ulid(1))', '55000',
    'user 00000000000000000000000001 is still there', 'a user who is still there cannot be erased');
delete from novatune.users where user_id = pg_temp.ulid(1);
create temporary table heads as table novatune.history_heads;
select is(novatune.erase_person(pg_temp.ulid(1)), 7::bigint,
    'erased: the user''s chain, the chain of a track once owned, the grants to the user');
select is_empty($$select from novatune.history where history::text like '%CANARY%'$$, 'nothing of it is left');
select is_empty(
    $$select from novatune.history h
       where subject_id <> pg_temp.ulid(1) and h::text like '%' || pg_temp.ulid(1) || '%'$$,
    'nor is the user in another chain');
select is_empty(
    $$select from novatune.history_digests where erased_at >= now() and salt is not null$$,
    'nor the salt with which it could be guessed');
select is_empty('select * from novatune.find_history_faults()', 'every chain still verifies');
select results_eq('table novatune.history_heads', 'table heads', 'against the same heads');
select is((select reason from novatune.history where reason is not null and changed_at >= now()), 'stays',
    'what is about others stays');
select is(novatune.erase_person(pg_temp.ulid(1)), 0::bigint, 'a second time there is nothing to erase');
insert into novatune.users (user_id) values (pg_temp.ulid(1));
select results_eq(
    'select session_epoch, tokens_valid_after from novatune.users where user_id = pg_temp.ulid(1)',
    $$values (2::bigint, '2026-01-08 12:00:00+00'::timestamptz)$$, 'ended tokens stay ended');
select is_empty('select * from novatune.find_history_faults()', 'and the chain goes on');

-- Faults in erased rows are found.
create function pg_temp.faults_after(statement text) returns text
    language plpgsql
as $$
declare
    found_faults text;
begin
    begin
        execute statement;
        found_faults := (select string_agg(position || ': ' || fault, ', ' order by position, fault)
                           from novatune.find_history_faults('user', pg_temp.ulid(1)));
        raise exception using errcode = 'NT001';
    exception
        when sqlstate 'NT001' then null;
    end;
    return found_faults;
end
$$;
select is(pg_temp.faults_after(format(
    'update novatune.%s where subject_kind = ''user'' and subject_id = pg_temp.ulid(1) and position = %s',
    replace(change, '"', ''''), position)), faults, format('found: %s in row %s', change, position))
  from (values
    ('history set reason = "forged"', 1, '1: the row was edited'),
    ('history set reason = "forged"', 2, '2: the row was edited'),
    ('history set changed_by = "forged"', 1, '1: the row was edited'),
    ('history_digests set digest = sha256("")', 1, '1: the row was edited'),
    ('history set hash = sha256("")', 2, '3: the row does not follow the one before it')
  ) as forgeries (change, position, faults);

-- Retention.
select throws_ok('select novatune.erase_history_before(now() + interval ''1 hour'')', '22023', null,
    'what is to come cannot be erased');
select is(novatune.erase_history_before('2000-01-01'), 0::bigint, 'younger rows stay');
select is(novatune.erase_history_before(clock_timestamp(), 1), 1::bigint, 'older ones are erased in batches');
select cmp_ok(novatune.erase_history_before(clock_timestamp(), 1000000), '>', 0::bigint, 'until all are');
select is_empty(
    'select from novatune.history where num_nonnulls(actor, old_values, new_values, reason) > 0',
    'no detail is left');
select is_empty('select * from novatune.find_history_faults()', 'and every chain verifies');

select * from finish();
rollback;
