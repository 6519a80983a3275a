begin;
\ir shared/setup.sql

select plan(4);

insert into novatune.users (user_id) values (pg_temp.ulid(1)), (pg_temp.ulid(2));
insert into novatune.tracks (track_id, user_id, title, object_key, mime_type, file_size_bytes)
values (pg_temp.ulid(1), pg_temp.ulid(1), 'CANARY title', 'CANARY-key', 'audio/mpeg', 1);
insert into novatune.track_grants (track_id, grantee_id) values (pg_temp.ulid(1), pg_temp.ulid(2));

create function pg_temp.detail_of(statement text) returns text
    language plpgsql
as $$
declare
    detail text;
begin
    execute statement;
    return 'no error';
exception
    when others then
        get stacked diagnostics detail = pg_exception_detail;
        return detail;
end
$$;

select is(pg_temp.detail_of(statement), shown, 'shown: ' || shown)
  from (values
    ('update novatune.users set user_id = pg_temp.ulid(9) where user_id = pg_temp.ulid(2)',
     'user_id: from 00000000000000000000000002 to 00000000000000000000000009'),
    ('update novatune.tracks set track_id = pg_temp.ulid(9), user_id = pg_temp.ulid(2)
       where track_id = pg_temp.ulid(1)',
     'track_id: from 00000000000000000000000001 to 00000000000000000000000009'),
    ('update novatune.track_grants set grantee_id = pg_temp.ulid(1) where track_id = pg_temp.ulid(1)',
     'grantee_id: from 00000000000000000000000002 to 00000000000000000000000001'),
    ('update novatune.tracks set status_before_deletion = ''Ready'', object_key = ''CANARY''
       where track_id = pg_temp.ulid(1)',
     'deleted_at, scheduled_deletion_at, status_before_deletion: from (,,) to (,,Ready)')
  ) as refused (statement, shown);

select * from finish();
rollback;
