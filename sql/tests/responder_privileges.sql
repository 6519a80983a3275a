begin;
\ir shared/setup.sql

select plan(72);

create function pg_temp.may(statement text, description text) returns text
    language sql
    return lives_ok(format('select pg_temp.as_responder(%L)', statement), 'may ' || description);

create function pg_temp.may_not(statement text, error text, description text) returns text
    language sql
    return throws_ok(format('select pg_temp.as_responder(%L)', statement), '42501', error, 'may not ' || description);

select has_role('novatune_responder', 'the role exists');
select isnt_superuser('novatune_responder', 'it is no superuser');
select results_eq(
    $$select rolcanlogin, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls
        from pg_roles where rolname = 'novatune_responder'$$,
    $$values (true, false, false, false, false)$$,
    'it may log in and has no other attribute');

-- What it may read, and all that it may read.
select pg_temp.may(format('select %s from novatune.%I', columns, name), format('read %s of %s', columns, name))
  from (values ('users',        'user_id, status, session_epoch, tokens_valid_after'),
               ('tracks',       'track_id, user_id, object_key, mime_type, file_size_bytes, status, version, waveform_object_key'),
               ('track_grants', 'track_id, grantee_id, expires_at'),
               ('user_identities', 'issuer, subject, user_id')) as allowed (name, columns);
select pg_temp.may_not(format('select %I from novatune.%I', columns, name),
    format('permission denied for table %s', name),
        format('read %s of %s', columns, name))
  from (values ('users', 'created_at'), ('users', 'updated_at'),
               ('tracks', 'title'), ('tracks', 'created_at'), ('tracks', 'updated_at'),
               ('track_grants', 'granted_by'), ('track_grants', 'created_at'),
               ('user_identities', 'created_at')) as denied (name, columns);
-- What is deployed, and not who deployed it.
select pg_temp.may('select change, project, committed_at from sqitch.changes', 'read which changes are deployed');
select pg_temp.may_not(format('select %I from sqitch.changes', name), 'permission denied for table changes',
        format('read %s of sqitch.changes', name))
  from unnest('{note,committer_name,committer_email,planner_email}'::text[]) as name;
select pg_temp.may_not('select from sqitch.events', 'permission denied for table events', 'read sqitch.events');
select pg_temp.may_not('delete from sqitch.changes', 'permission denied for table changes', 'delete from sqitch.changes');
select pg_temp.may_not('create table sqitch.mine ()', 'permission denied for schema sqitch', 'create in sqitch');
select pg_temp.may_not('select from novatune.tracks where title = ''Song''', 'permission denied for table tracks',
        'search by title');
select pg_temp.may_not('select status from novatune.tracks order by created_at', 'permission denied for table tracks',
        'sort by created_at');

-- What it may not do to a table.
select pg_temp.may_not(format(statement, name), format('permission denied for table %s', name), format(statement, name))
  from unnest('{users,tracks,track_grants,user_identities}'::text[]) as name,
       unnest(array[
           'select * from novatune.%I',
           'delete from novatune.%I',
           'truncate novatune.%I cascade',
           'lock table novatune.%I in access share mode'
       ]) as statement;
select pg_temp.may_not(statement, format('permission denied for table %s', name), statement)
  from (values
    ('users',        'insert into novatune.users (user_id) values (''01ARZ3NDEKTSV4RRFFQ69G5FAV'')'),
    ('users',        'update novatune.users set status = ''Active'''),
    ('users',        'update novatune.users set tokens_valid_after = ''-infinity'''),
    ('users',        'select user_id from novatune.users for share'),
    ('tracks',       'insert into novatune.tracks (track_id) values (''01ARZ3NDEKTSV4RRFFQ69G5FAV'')'),
    ('tracks',       'update novatune.tracks set status = ''Ready'''),
    ('tracks',       'update novatune.tracks set version = 1'),
    ('tracks',       'select track_id from novatune.tracks for update'),
    ('track_grants', 'insert into novatune.track_grants (track_id) values (''01ARZ3NDEKTSV4RRFFQ69G5FAV'')'),
    ('track_grants', 'update novatune.track_grants set expires_at = null'),
    ('track_grants', 'select track_id from novatune.track_grants for key share'),
    ('user_identities', 'insert into novatune.user_identities (issuer) values (''i'')'),
    ('user_identities', 'update novatune.user_identities set subject = ''s'''),
    ('user_identities', 'select user_id from novatune.user_identities for share')
  ) as writes (name, statement);

-- What it may not change in the schema.
select pg_temp.may_not(statement, error, statement)
  from (values
    ('create table novatune.mine ()',                                     'permission denied for schema novatune'),
    ('create view novatune.mine as select 1',                             'permission denied for schema novatune'),
    ('create sequence novatune.mine',                                     'permission denied for schema novatune'),
    ('create type novatune.mine as enum ()',                              'permission denied for schema novatune'),
    ('create function novatune.mine() returns int language sql return 1', 'permission denied for schema novatune'),
    ('create table public.mine ()',                                       'permission denied for schema public'),
    ('create schema mine',                                                null),
    ('alter table novatune.users disable trigger all',                    'must be owner of table users'),
    ('alter type novatune.user_status add value ''Mine''',                'must be owner of type novatune.user_status'),
    ('drop table novatune.track_grants',                                  'must be owner of table track_grants'),
    ('drop function novatune.raise_track_version()',                      'must be owner of function novatune.raise_track_version'),
    ('create trigger mine before update on novatune.users for each row execute function novatune.set_updated_at()',
                                                                          'permission denied for table users'),
    ('alter role novatune_responder createrole',                          null),
    ('set session_replication_role = replica',                            null)
  ) as changes (statement, error);

select is_empty(
    $$select oid::regprocedure from pg_proc
       where pronamespace = 'novatune'::regnamespace
         and has_function_privilege('novatune_responder', oid, 'execute')$$,
    'may not call a function of the schema');
select is_empty(
    $$select objid, deptype from pg_shdepend
       where refclassid = 'pg_authid'::regclass
         and refobjid = 'novatune_responder'::regrole
         and dbid = (select oid from pg_database where datname = current_database())
         and deptype = 'o'$$,
    'owns nothing here');

-- Temporary tables are public's privilege on the database, which may serve
-- others too; sql/README.md gives this line to the DBA.
do $$
begin
    execute format('revoke temporary on database %I from public', current_database());
end
$$;
select pg_temp.may_not('create temporary table mine ()', null, 'create a temporary table once public may not');

select * from finish();
rollback;
