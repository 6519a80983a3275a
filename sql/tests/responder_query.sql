begin;
\ir shared/setup.sql

select plan(30);

-- The responder's one query, as it is sent: both parameters are text.
prepare stream_access (text, text) as
select u.status::text, u.session_epoch, u.tokens_valid_after,
       t.user_id::text, t.status::text, t.version, t.object_key, t.mime_type, t.file_size_bytes,
       case when t.user_id = u.user_id then 'infinity'::timestamptz else (
         select coalesce(g.expires_at, 'infinity'::timestamptz) from novatune.track_grants g
         where g.track_id = t.track_id and g.grantee_id = u.user_id and (g.expires_at is null or g.expires_at > now())) end
from novatune.users u left join novatune.tracks t on t.track_id = $2
where u.user_id = $1;

-- The same by identity. The last column is the user.
prepare stream_access_by_identity (text, text, text) as
select u.status::text, u.session_epoch, u.tokens_valid_after,
       t.user_id::text, t.status::text, t.version, t.object_key, t.mime_type, t.file_size_bytes,
       case when t.user_id = u.user_id then 'infinity'::timestamptz else (
         select coalesce(g.expires_at, 'infinity'::timestamptz) from novatune.track_grants g
         where g.track_id = t.track_id and g.grantee_id = u.user_id and (g.expires_at is null or g.expires_at > now())) end,
       u.user_id::text
from novatune.user_identities i
join novatune.users u on u.user_id = i.user_id
left join novatune.tracks t on t.track_id = $3
where i.issuer = $1 and i.subject = $2;

-- The same for the waveform: its object in the place of the audio's.
prepare waveform_access (text, text) as
select u.status::text, u.session_epoch, u.tokens_valid_after,
       t.user_id::text, t.status::text, t.version, t.waveform_object_key, 'application/json'::text, 0::bigint,
       case when t.user_id = u.user_id then 'infinity'::timestamptz else (
         select coalesce(g.expires_at, 'infinity'::timestamptz) from novatune.track_grants g
         where g.track_id = t.track_id and g.grantee_id = u.user_id and (g.expires_at is null or g.expires_at > now())) end
from novatune.users u left join novatune.tracks t on t.track_id = $2
where u.user_id = $1;

create type pg_temp.answer as (
    user_status text, session_epoch bigint, tokens_valid_after timestamptz,
    owner_id text, track_status text, version bigint, object_key text, mime_type text, file_size_bytes bigint,
    may_stream_until timestamptz
);

create function pg_temp.answers(user_number bigint, track_number bigint, statement text default 'stream_access')
    returns setof pg_temp.answer
    language plpgsql
    set role = 'novatune_responder'
    set plan_cache_mode = force_generic_plan
as $$
declare
    answers refcursor;
    answer record;
begin
    open answers for execute format('execute %I(%L, %L)',
        statement, lpad(user_number::text, 26, '0'), lpad(track_number::text, 26, '0'));
    loop
        fetch answers into answer;
        exit when not found;
        return next answer;
    end loop;
end
$$;

create type pg_temp.answer_with_user as (
    user_status text, session_epoch bigint, tokens_valid_after timestamptz,
    owner_id text, track_status text, version bigint, object_key text, mime_type text, file_size_bytes bigint,
    may_stream_until timestamptz, user_id text
);

create function pg_temp.answers(issuer text, subject text, track_number bigint) returns setof pg_temp.answer_with_user
    language plpgsql
    set role = 'novatune_responder'
    set plan_cache_mode = force_generic_plan
as $$
declare
    answers refcursor;
    answer record;
begin
    open answers for execute format('execute stream_access_by_identity(%L, %L, %L)',
        issuer, subject, lpad(track_number::text, 26, '0'));
    loop
        fetch answers into answer;
        exit when not found;
        return next answer;
    end loop;
end
$$;

create function pg_temp.plan_of_the_query(call text default 'stream_access($$1$$, $$1$$)') returns jsonb
    language plpgsql
    set role = 'novatune_responder'
    set plan_cache_mode = force_generic_plan
as $$
declare
    plan jsonb;
begin
    execute 'explain (format json) execute ' || call into plan;
    return plan;
end
$$;

-- Enough rows that the planner would read a whole table only by mistake:
-- user n owns track n, and was granted the tracks n - 1 to n - 4.
insert into novatune.users (user_id)
select pg_temp.ulid(n) from generate_series(1, 4000) as n;
insert into novatune.tracks (track_id, user_id, title, object_key, mime_type, file_size_bytes, status)
select pg_temp.ulid(n), pg_temp.ulid(n), 'Song', 'audio/' || n, 'audio/mpeg', n, 'Ready'
  from generate_series(1, 4000) as n;
insert into novatune.track_grants (track_id, grantee_id, expires_at)
select pg_temp.ulid(n - back), pg_temp.ulid(n),
       case back when 2 then now() + interval '1 minute' when 3 then now() - interval '1 second' when 4 then now() end
  from generate_series(5, 4000) as n, generate_series(1, 4) as back;
update novatune.users set status = 'Suspended', tokens_valid_after = '2026-01-08 12:00:00+00'
 where user_id = pg_temp.ulid(11);
update novatune.tracks set status = 'Deleted' where track_id = pg_temp.ulid(12);
insert into novatune.user_identities (issuer, subject, user_id)
select 'https://' || provider || '.example.com', 'auth0|' || n, pg_temp.ulid(n)
  from generate_series(1, 4000) as n, unnest('{one,two}'::text[]) as provider
 where provider = 'one' or n % 2 = 0;
update novatune.users set status = 'Disabled' where user_id = pg_temp.ulid(13);
update novatune.tracks set waveform_object_key = 'waveforms/14' where track_id = pg_temp.ulid(14);
analyze novatune.users, novatune.tracks, novatune.track_grants, novatune.user_identities;

select results_eq(
    'select * from pg_temp.answers(10, 10)',
    $$values ('Active', 0::bigint, '-infinity'::timestamptz,
              pg_temp.ulid(10), 'Ready', 1::bigint, 'audio/10', 'audio/mpeg', 10::bigint, 'infinity'::timestamptz)$$,
    'the owner may stream');
select results_eq(
    'select owner_id, may_stream_until from pg_temp.answers(10, 9)',
    $$values (pg_temp.ulid(9), 'infinity'::timestamptz)$$,
    'a grant without an end lets stream');
select results_eq(
    'select owner_id, may_stream_until from pg_temp.answers(10, 8)',
    $$values (pg_temp.ulid(8), now() + interval '1 minute')$$,
    'an unexpired grant lets stream');
select results_eq(
    'select owner_id, may_stream_until from pg_temp.answers(10, 7)',
    $$values (pg_temp.ulid(7), null::timestamptz)$$,
    'an expired grant does not');
select results_eq(
    'select owner_id, may_stream_until from pg_temp.answers(10, 6)',
    $$values (pg_temp.ulid(6), null::timestamptz)$$,
    'a grant that ends at this moment does not');
select results_eq(
    'select owner_id, may_stream_until from pg_temp.answers(10, 5)',
    $$values (pg_temp.ulid(5), null::timestamptz)$$,
    'without a grant the owner alone may');
select results_eq(
    'select owner_id, may_stream_until from pg_temp.answers(9, 10)',
    $$values (pg_temp.ulid(10), null::timestamptz)$$,
    'a grant to one is no grant to the other');
select results_eq(
    'select * from pg_temp.answers(10, 999999)',
    $$values ('Active', 0::bigint, '-infinity'::timestamptz,
              null::text, null::text, null::bigint, null::text, null::text, null::bigint, null::timestamptz)$$,
    'a missing track is one row with the user alone');
select is_empty('select * from pg_temp.answers(999999, 10)', 'a missing user is no row');
select is_empty('select * from pg_temp.answers(999999, 999999)', 'nor with a missing track');
select results_eq(
    'select * from pg_temp.answers(11, 11)',
    $$values ('Suspended', 1::bigint, '2026-01-08 12:00:00+00'::timestamptz,
              pg_temp.ulid(11), 'Ready', 1::bigint, 'audio/11', 'audio/mpeg', 11::bigint, 'infinity'::timestamptz)$$,
    'a suspended user is reported as Suspended, with the raised epoch');
select results_eq(
    'select track_status, version, may_stream_until from pg_temp.answers(12, 12)',
    $$values ('Deleted', 2::bigint, 'infinity'::timestamptz)$$,
    'a deleted track is reported as Deleted, with the raised version');

select is((select parameter_types::text from pg_prepared_statements where name = 'stream_access'), '{text,text}',
    'both parameters are text');
select set_eq(
    $$select node ->> 'Relation Name' as relation, node ->> 'Node Type' as node
        from jsonb_path_query(pg_temp.plan_of_the_query(), 'strict $.** ? (exists (@."Relation Name"))') as node$$,
    $$values ('track_grants', 'Index Scan'), ('tracks', 'Index Scan'), ('users', 'Index Scan')$$,
    'the generic plan reads each table through an index');
select is_empty(
    $$select node
        from jsonb_path_query(pg_temp.plan_of_the_query(), 'strict $.** ? (exists (@."Index Name"))') as node
       where not coalesce(case node ->> 'Relation Name'
                 when 'track_grants' then node ->> 'Index Cond' ~ 'track_id' and node ->> 'Index Cond' ~ 'grantee_id'
                 else node ->> 'Index Name' ~ '_pkey$' and node ? 'Index Cond' end, false)$$,
    'and each of them by all that it knows of the row');

-- By identity.
select results_eq(
    $$select * from pg_temp.answers('https://one.example.com', 'auth0|10', 10)$$,
    $$select *, pg_temp.ulid(10) from pg_temp.answers(10, 10)$$,
    'by an identity: the owner may stream, and is named');
select results_eq(
    $$select * from pg_temp.answers('https://two.example.com', 'auth0|10', 8)$$,
    $$select *, pg_temp.ulid(10) from pg_temp.answers(10, 8)$$,
    'another identity of the same user is the same user');
select results_eq(
    $$select * from pg_temp.answers('https://one.example.com', 'auth0|10', 5)$$,
    $$select *, pg_temp.ulid(10) from pg_temp.answers(10, 5)$$,
    'without a grant the user may not');
select results_eq(
    $$select * from pg_temp.answers('https://one.example.com', 'auth0|10', 999999)$$,
    $$select *, pg_temp.ulid(10) from pg_temp.answers(10, 999999)$$,
    'a missing track is one row with the user alone');
select results_eq(
    $$select user_status, user_id from pg_temp.answers('https://one.example.com', 'auth0|13', 13)$$,
    $$values ('Disabled', pg_temp.ulid(13))$$,
    'the status of the user decides');
select is_empty(format('select * from pg_temp.answers(%L, %L, 9)', issuer, subject), 'no row: ' || description)
  from (values
    ('an unknown subject', 'https://one.example.com', 'auth0|9999'),
    ('a subject of another issuer', 'https://two.example.com', 'auth0|9'),
    ('a subject in other letters', 'https://one.example.com', 'Auth0|9')
  ) as unknown (description, issuer, subject);
select is((select parameter_types::text from pg_prepared_statements where name = 'stream_access_by_identity'),
    '{text,text,text}', 'all three parameters are text');
create temporary table plan_by_identity as
select node
  from jsonb_path_query(pg_temp.plan_of_the_query('stream_access_by_identity($$i$$, $$s$$, $$1$$)'),
                        'strict $.** ? (exists (@."Relation Name"))') as node;
select set_eq(
    $$select node ->> 'Relation Name' as relation, node ->> 'Node Type' as node from plan_by_identity$$,
    $$values ('track_grants', 'Index Scan'), ('tracks', 'Index Scan'), ('user_identities', 'Index Scan'),
             ('users', 'Index Scan')$$,
    'the generic plan by identity reads each table through an index');
select is_empty(
    $$select node
        from plan_by_identity
       where not coalesce(case node ->> 'Relation Name'
                 when 'track_grants' then node ->> 'Index Cond' ~ 'track_id' and node ->> 'Index Cond' ~ 'grantee_id'
                 when 'user_identities' then node ->> 'Index Cond' ~ 'issuer' and node ->> 'Index Cond' ~ 'subject'
                 else node ->> 'Index Name' ~ '_pkey$' and node ? 'Index Cond' end, false)$$,
    'and each of them by all that it knows of the row');

-- For the waveform.
select results_eq(
    $$select * from pg_temp.answers(14, 14, 'waveform_access')$$,
    $$values ('Active', 0::bigint, '-infinity'::timestamptz,
              pg_temp.ulid(14), 'Ready', 2::bigint, 'waveforms/14', 'application/json', 0::bigint, 'infinity'::timestamptz)$$,
    'the owner may read the waveform');
select results_eq(
    $$select owner_id, object_key, may_stream_until from pg_temp.answers(15, 15, 'waveform_access')$$,
    $$values (pg_temp.ulid(15), null::text, 'infinity'::timestamptz)$$,
    'a track without a waveform has no key');
select results_eq(
    $$select owner_id, may_stream_until from pg_temp.answers(19, 14, 'waveform_access')$$,
    $$values (pg_temp.ulid(14), null::timestamptz)$$,
    'without a grant the user may not');
create temporary table nodes on commit drop as
select call, node
  from unnest('{stream_access,waveform_access}'::text[]) as call,
       jsonb_path_query(pg_temp.plan_of_the_query(call || '($$1$$, $$1$$)'), 'strict $.** ? (exists (@."Node Type"))') as node;
select bag_eq(
    $$select node ->> 'Node Type' as kind, node ->> 'Index Name' as index from nodes where call = 'waveform_access'$$,
    $$select node ->> 'Node Type' as kind, node ->> 'Index Name' as index from nodes where call = 'stream_access'$$,
    'its plan is the audio''s');

select * from finish();
rollback;
