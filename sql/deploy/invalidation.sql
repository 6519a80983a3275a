-- Deploy novatune:invalidation to pg
-- requires: users
-- requires: tracks
-- requires: track_grants

begin;

-- Counts in a setting that ends with the transaction and, like the notifications, is taken back with a savepoint. Whatever
-- somebody else put there makes it say more, never less.
create function novatune.invalidate(user_id text, track_id text, reason text) returns boolean
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
declare
    single constant integer := 1000;
    said text := coalesce(nullif(current_setting('novatune.invalidations', true), ''), '0');
begin
    if said !~ '^[0-9]{1,4}$' or said::integer >= single then
        -- The same again is dropped by PostgreSQL.
        perform pg_notify('novatune_invalidation', '* * ' || reason);
        return false;
    end if;
    perform set_config('novatune.invalidations', (said::integer + 1)::text, true);
    perform pg_notify('novatune_invalidation', user_id || ' ' || track_id || ' ' || reason);
    return true;
end
$$;

comment on function novatune.invalidate(text, text, text) is
    'Tells responders at commit that cached URLs are no longer good: user, track (or *) and reason. Beyond 1,000 in a transaction it says so of all. False: it did.';

create function novatune.invalidate_user() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    if tg_op = 'DELETE' then
        perform novatune.invalidate(old.user_id, '*', 'deletion');
    elsif new.tokens_valid_after <> old.tokens_valid_after then
        perform novatune.invalidate(old.user_id, '*', 'logout');
    elsif new.status <> old.status then
        perform novatune.invalidate(old.user_id, '*', 'status_change');
    elsif new.session_epoch <> old.session_epoch then
        perform novatune.invalidate(old.user_id, '*', 'logout');
    end if;
    return null;
end
$$;

-- Without sequential scans: a plan that was made while there were few grants would still scan them when there are many.
create function novatune.invalidate_track() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    set enable_seqscan = off
as $$
declare
    reason text := 'status_change';
    grantee text;
begin
    -- Nothing else is cached that would still be handed out.
    if old.status <> 'Ready' then
        return null;
    end if;
    if tg_op = 'DELETE' then
        reason := 'deletion';
    elsif new.status = 'Deleted' then
        reason := 'deletion';
    elsif (new.user_id, new.object_key, new.mime_type, new.file_size_bytes, new.status)
        = (old.user_id, old.object_key, old.mime_type, old.file_size_bytes, old.status) then
        return null;
    end if;
    if not novatune.invalidate(old.user_id, old.track_id, reason) then
        return null;
    end if;
    for grantee in select g.grantee_id from novatune.track_grants g where g.track_id = old.track_id loop
        exit when not novatune.invalidate(grantee, old.track_id, reason);
    end loop;
    return null;
end
$$;

create function novatune.invalidate_grant() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    if tg_op = 'DELETE' then
        perform novatune.invalidate(old.grantee_id, old.track_id, 'status_change');
    elsif new.expires_at is distinct from old.expires_at then
        perform novatune.invalidate(old.grantee_id, old.track_id, 'status_change');
    end if;
    return null;
end
$$;

comment on function novatune.invalidate_user() is
    'Trigger: tells responders that none of the user''s cached URLs are good.';
comment on function novatune.invalidate_track() is
    'Trigger: tells responders that the track''s cached URLs are no longer good, its owner''s and each grantee''s.';
comment on function novatune.invalidate_grant() is
    'Trigger: tells responders that the grantee''s cached URL of the track is no longer good.';

revoke all on function novatune.invalidate(text, text, text) from public;
revoke all on function novatune.invalidate_user() from public;
revoke all on function novatune.invalidate_track() from public;
revoke all on function novatune.invalidate_grant() from public;

create trigger users_invalidate
    after update or delete on novatune.users
    for each row
    execute function novatune.invalidate_user();
create trigger tracks_invalidate
    after update or delete on novatune.tracks
    for each row
    execute function novatune.invalidate_track();
create trigger track_grants_invalidate
    after update or delete on novatune.track_grants
    for each row
    execute function novatune.invalidate_grant();

comment on trigger users_invalidate on novatune.users is
    'Tidies caches up; what is handed out does not depend on it.';
comment on trigger tracks_invalidate on novatune.tracks is
    'Tidies caches up; what is handed out does not depend on it.';
comment on trigger track_grants_invalidate on novatune.track_grants is
    'Tidies caches up; what is handed out does not depend on it.';

commit;
