-- Deploy novatune:fixed_keys to pg
-- requires: users
-- requires: tracks
-- requires: track_grants

begin;

-- Caches, tokens and history know rows by their keys.
create function novatune.refuse_key_change() returns trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
begin
    raise exception 'the key of a row of % may not be changed', tg_relid::regclass
        using errcode = 'check_violation', schema = tg_table_schema, table = tg_table_name,
              constraint = tg_name,
              hint = case tg_table_name
                  when 'track_grants' then 'Delete the grant and insert another.'
                  else 'Identifiers are never given to another: insert a new row.'
              end;
end
$$;

comment on function novatune.refuse_key_change() is
    'Trigger: refuses to change a primary key.';

revoke all on function novatune.refuse_key_change() from public;

create trigger users_key_is_fixed
    before update of user_id on novatune.users
    for each row
    when (old.user_id <> new.user_id)
    execute function novatune.refuse_key_change();
create trigger tracks_key_is_fixed
    before update of track_id on novatune.tracks
    for each row
    when (old.track_id <> new.track_id)
    execute function novatune.refuse_key_change();
create trigger track_grants_key_is_fixed
    before update of track_id, grantee_id on novatune.track_grants
    for each row
    when (old.track_id <> new.track_id or old.grantee_id <> new.grantee_id)
    execute function novatune.refuse_key_change();

comment on trigger users_key_is_fixed on novatune.users is
    'A user_id is never given to another user.';
comment on trigger tracks_key_is_fixed on novatune.tracks is
    'A track_id is never given to another track.';
comment on trigger track_grants_key_is_fixed on novatune.track_grants is
    'To move a grant is to revoke one and to give one.';

create function novatune.refuse_truncate() returns trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
begin
    raise exception '% may not be truncated', tg_relid::regclass
        using errcode = 'restrict_violation',
              hint = 'Use delete: it writes history and tells the caches, truncate does neither.';
end
$$;

comment on function novatune.refuse_truncate() is
    'Trigger: refuses truncate, which no row''s trigger sees.';

revoke all on function novatune.refuse_truncate() from public;

create trigger users_no_truncate
    before truncate on novatune.users for each statement execute function novatune.refuse_truncate();
create trigger tracks_no_truncate
    before truncate on novatune.tracks for each statement execute function novatune.refuse_truncate();
create trigger track_grants_no_truncate
    before truncate on novatune.track_grants for each statement execute function novatune.refuse_truncate();

comment on trigger users_no_truncate on novatune.users is
    'Rows go one by one, so that each leaves its trace.';
comment on trigger tracks_no_truncate on novatune.tracks is
    'Rows go one by one, so that each leaves its trace.';
comment on trigger track_grants_no_truncate on novatune.track_grants is
    'Rows go one by one, so that each leaves its trace.';

commit;
