begin;
\ir shared/setup.sql

select plan(35);

-- Each role and what it may do to each table, as letters: select, insert, update, delete, truncate, references,
-- trigger; lower case where it may so with some columns only.
create temporary table expected_tables (name text, dba text, reader text, responder text) on commit drop;
insert into expected_tables values
    ('users',          'SIUD', 's', 's'),
    ('tracks',         'SIUD', 's', 's'),
    ('track_grants',   'SIUD', 's', 's'),
    ('settings',       'SU',   '',  's'),
    ('history',        'S',    '',  ''),
    ('history_digests','S',    '',  ''),
    ('history_heads',  'S',    '',  ''),
    ('removed_tracks', 'S',    '',  ''),
    ('removed_users',  'S',    '',  ''),
    ('revocations',    'SiD',  's', ''),
    ('status_history', 'S',    'S', ''),
    ('user_identities','SID',  's', 's'),
    ('user_revocations','SD',  's', '');

create function pg_temp.letters(role text, relation regclass) returns text
    language sql
    return (
        select coalesce(string_agg(
                   case when has_table_privilege(role, relation, privilege) then upper(letter)
                        when letter in ('s', 'i', 'u', 'r') and has_any_column_privilege(role, relation, privilege)
                            then letter
                        else '' end, '' order by place), '')
          from (values (1, 's', 'select'), (2, 'i', 'insert'), (3, 'u', 'update'), (4, 'd', 'delete'),
                       (5, 't', 'truncate'), (6, 'r', 'references'), (7, 'g', 'trigger')
               ) as p (place, letter, privilege));

select results_eq(
    $$select relname::text collate "default", pg_temp.letters('novatune_dba', oid),
             pg_temp.letters('novatune_reader', oid), pg_temp.letters('novatune_responder', oid)
        from pg_class
       where relnamespace = 'novatune'::regnamespace and relkind in ('r', 'v', 'm', 'p', 'f')
       order by relname collate "C"$$,
    $$select * from expected_tables order by name collate "C"$$,
    'each role may do to each table what it should, and every table is decided on');

select results_eq(
    $$select format('%s.%s', relname::text collate "default", attname::text collate "default")
        from pg_class
        join pg_attribute on attrelid = pg_class.oid
       where relnamespace = 'novatune'::regnamespace and relkind = 'r' and attnum > 0 and not attisdropped
         and has_column_privilege('novatune_reader', attrelid, attnum, 'select') order by relname, attname$$,
    array[
        'revocations.action', 'revocations.attempts', 'revocations.due_at', 'revocations.failure',
        'revocations.position', 'revocations.requested_at',
        'track_grants.created_at', 'track_grants.expires_at', 'track_grants.grantee_id', 'track_grants.track_id',
        'tracks.created_at', 'tracks.deleted_at', 'tracks.scheduled_deletion_at', 'tracks.status', 'tracks.status_before_deletion',
        'tracks.track_id', 'tracks.updated_at', 'tracks.user_id', 'tracks.version',
        'user_identities.created_at', 'user_identities.issuer', 'user_identities.user_id',
        'user_revocations.position', 'user_revocations.recorded_at', 'user_revocations.session_epoch',
        'user_revocations.track_id', 'user_revocations.user_id',
        'users.created_at', 'users.status', 'users.updated_at', 'users.user_id'],
    'the reader sees these columns and no others');

-- Functions that a role besides the owner may run; functions of triggers cannot be called, and no such
-- role may run them.
select results_eq(
    $$select proname::text collate "default",
             array(select role from unnest('{novatune_dba,novatune_reader,novatune_responder,public}'::text[]) as role
                    where has_function_privilege(role, pg_proc.oid, 'execute'))
        from pg_proc
       where pronamespace = 'novatune'::regnamespace
         and not exists (select from pg_depend d
                          where (d.classid, d.objid, d.deptype) = ('pg_proc'::regclass, pg_proc.oid, 'e'))
       order by proname collate "C"$$,
    $$values
        ('append_history', '{}'::text[]),
        ('check_continued_track', '{}'), ('check_continued_user', '{}'),
        ('check_track_counters', '{}'), ('check_track_transition', '{}'), ('check_user_counters', '{}'),
        ('continue_track', '{}'), ('continue_user', '{}'),
        ('copy_limits', '{}'),
        ('delete_track', '{novatune_dba}'),
        ('erase_history_before', '{novatune_dba}'),
        ('erase_history_entry', '{}'),
        ('erase_person', '{novatune_dba}'),
        ('exchange_reason', '{novatune_dba}'),
        ('find_history_faults', '{novatune_dba}'),
        ('grant_access', '{novatune_dba}'),
        ('history_chain_hash', '{novatune_dba}'),
        ('history_digest', '{novatune_dba}'),
        ('history_hash', '{novatune_dba}'),
        ('invalidate', '{}'), ('invalidate_grant', '{}'), ('invalidate_track', '{}'), ('invalidate_user', '{}'),
        ('keep_track_counters', '{}'), ('keep_user_counters', '{}'),
        ('link_identity', '{novatune_dba}'),
        ('logout_all', '{novatune_dba}'),
        ('mark_ready', '{novatune_dba}'),
        ('notify_user_revocation', '{}'),
        ('raise_session_epoch', '{}'), ('raise_track_version', '{}'),
        ('record_access', '{}'), ('record_deleted_tracks', '{}'), ('record_ended_sessions', '{}'),
        ('record_grant_change', '{}'), ('record_identity_change', '{}'), ('record_revocations', '{}'),
        ('record_track_change', '{}'), ('record_user_change', '{}'),
        ('refuse_identity_change', '{}'), ('refuse_key_change', '{}'), ('refuse_to_lose_settings', '{}'), ('refuse_truncate', '{}'),
        ('reinstate_user', '{novatune_dba}'),
        ('restore_track', '{novatune_dba}'),
        ('revoke_access', '{novatune_dba}'),
        ('set_updated_at', '{}'),
        ('suspend_user', '{novatune_dba}'),
        ('track_status_of', '{novatune_dba}'),
        ('unlink_identity', '{novatune_dba}'),
        ('user_status_of', '{novatune_dba}')$$,
    'each role may run the functions that it should, and every function is decided on');

select results_eq(
    $$select rolname::text collate "default", rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, rolcanlogin
        from pg_roles where rolname in ('novatune_dba', 'novatune_reader') order by rolname$$,
    $$values ('novatune_dba', false, false, false, false, false, false),
             ('novatune_reader', false, false, false, false, false, false)$$,
    'DBAs and support log in as themselves');
select is_empty(
    $$select oid::regclass::text from pg_class
       where relnamespace = 'novatune'::regnamespace and relowner <> 'novatune_owner'::regrole
      union all
      select oid::regprocedure::text from pg_proc
       where pronamespace = 'novatune'::regnamespace and proowner <> 'novatune_owner'::regrole
         and not exists (select from pg_depend d
                          where (d.classid, d.objid, d.deptype) = ('pg_proc'::regclass, pg_proc.oid, 'e'))
      union all
      select oid::regtype::text from pg_type
       where typnamespace = 'novatune'::regnamespace and typowner <> 'novatune_owner'::regrole$$,
    'novatune_owner owns everything');

-- The important ones, tried.
insert into novatune.users (user_id) values (pg_temp.ulid(1)), (pg_temp.ulid(2));
insert into novatune.tracks (track_id, user_id, title, object_key, mime_type, file_size_bytes, status)
values (pg_temp.ulid(1), pg_temp.ulid(1), 'Song', 'k', 'audio/mpeg', 1, 'Ready');

create function pg_temp.as_role(role text, statement text) returns void
    language plpgsql
as $$
begin
    execute format('set local role %I', role);
    execute statement;
    set local role none;
end
$$;

select lives_ok(format('select pg_temp.as_role(''novatune_dba'', %L)', statement), 'a DBA may: ' || statement)
  from unnest(array[
      'select novatune.delete_track(lpad(''1'', 26, ''0''), ''x'')',
      'select novatune.restore_track(lpad(''1'', 26, ''0''), ''x'')',
      'select novatune.logout_all(lpad(''2'', 26, ''0''), ''x'')',
      'select novatune.grant_access(lpad(''1'', 26, ''0''), lpad(''2'', 26, ''0''))',
      'select novatune.link_identity(''https://i.example.com'', ''s'', lpad(''2'', 26, ''0''), ''x'')',
      'select novatune.unlink_identity(''https://i.example.com'', ''s'', ''x'')',
      'delete from novatune.users where user_id = lpad(''2'', 26, ''0'')',
      'update novatune.settings set deletion_grace = ''10 days''',
      'select * from novatune.find_history_faults()']) as statement;
select throws_ok(format('select pg_temp.as_role(%L, %L)', role, statement), '42501', null,
    format('%s may not: %s', role, statement))
  from (values
    ('novatune_dba',       'update novatune.history set reason = ''forged'''),
    ('novatune_dba',       'delete from novatune.history'),
    ('novatune_dba',       'insert into novatune.history select * from novatune.history'),
    ('novatune_dba',       'update novatune.history_heads set position = 1'),
    ('novatune_dba',       'select novatune.append_history(''user'', lpad(''1'', 26, ''0''), ''status'', null, null)'),
    ('novatune_dba',       'delete from novatune.removed_users'),
    ('novatune_dba',       'truncate novatune.track_grants'),
    ('novatune_dba',       'update novatune.user_identities set subject = ''x'''),
    ('novatune_dba',       'alter table novatune.tracks disable trigger all'),
    ('novatune_dba',       'set session_replication_role = replica'),
    ('novatune_dba',       'create table novatune.mine ()'),
    ('novatune_dba',       'delete from novatune.settings'),
    ('novatune_reader',    'select object_key from novatune.tracks'),
    ('novatune_reader',    'select waveform_object_key from novatune.tracks'),
    ('novatune_reader',    'select title from novatune.tracks'),
    ('novatune_reader',    'select subject from novatune.user_identities'),
    ('novatune_reader',    'select * from novatune.history'),
    ('novatune_reader',    'update novatune.users set status = ''Active'''),
    ('novatune_reader',    'select novatune.suspend_user(lpad(''1'', 26, ''0''), ''x'')'),
    ('novatune_responder', 'select * from novatune.status_history')
  ) as denied (role, statement);
select lives_ok(
    $$select pg_temp.as_role('novatune_reader', 'select status, count(*) from novatune.tracks group by status')$$,
    'the reader counts');

select * from finish();
rollback;
