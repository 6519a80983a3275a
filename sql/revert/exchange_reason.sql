-- Revert novatune:exchange_reason from pg

begin;

-- Word for word as track_functions, user_functions and grant_functions made them.
create or replace function novatune.delete_track(id novatune.ulid, reason text) returns novatune.track_status
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
declare
    outer_reason text := current_setting('novatune.reason', true);
begin
    if novatune.track_status_of(id) = 'Deleted' then
        raise notice 'track % is deleted already', id;
        return 'Deleted';
    end if;
    perform set_config('novatune.reason', coalesce(reason, ''), true);
    update novatune.tracks t set status = 'Deleted' where t.track_id = id;
    perform set_config('novatune.reason', coalesce(outer_reason, ''), true);
    return 'Deleted';
end
$$;

create or replace function novatune.restore_track(id novatune.ulid, reason text) returns novatune.track_status
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
declare
    outer_reason text := current_setting('novatune.reason', true);
    present novatune.track_status := novatune.track_status_of(id);
    restored novatune.track_status;
begin
    if present <> 'Deleted' then
        raise exception 'track % is %, not Deleted', id, present
            using errcode = 'object_not_in_prerequisite_state', hint = 'Only a deleted track can be restored.';
    end if;
    perform set_config('novatune.reason', coalesce(reason, ''), true);
    update novatune.tracks t set status = t.status_before_deletion where t.track_id = id returning t.status into restored;
    perform set_config('novatune.reason', coalesce(outer_reason, ''), true);
    return restored;
end
$$;

create or replace function novatune.suspend_user(user_id novatune.ulid, reason text) returns novatune.user_status
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
declare
    outer_reason text := current_setting('novatune.reason', true);
    present novatune.user_status := novatune.user_status_of(suspend_user.user_id);
begin
    if present = 'Suspended' then
        raise notice 'user % is suspended already', suspend_user.user_id;
        return present;
    elsif present <> 'Active' then
        raise exception 'user % is %, not Active', suspend_user.user_id, present
            using errcode = 'object_not_in_prerequisite_state', hint = 'Such a user streams nothing anyway.';
    end if;
    perform set_config('novatune.reason', coalesce(reason, ''), true);
    update novatune.users u set status = 'Suspended' where u.user_id = suspend_user.user_id;
    perform set_config('novatune.reason', coalesce(outer_reason, ''), true);
    return 'Suspended';
end
$$;

create or replace function novatune.reinstate_user(user_id novatune.ulid, reason text) returns novatune.user_status
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
declare
    outer_reason text := current_setting('novatune.reason', true);
    present novatune.user_status := novatune.user_status_of(reinstate_user.user_id);
begin
    if present = 'Active' then
        raise notice 'user % is active already', reinstate_user.user_id;
        return present;
    elsif present not in ('Suspended', 'Disabled') then
        raise exception 'user % is %, neither Suspended nor Disabled', reinstate_user.user_id, present
            using errcode = 'object_not_in_prerequisite_state', hint = 'Set the status by update if that is what you mean.';
    end if;
    perform set_config('novatune.reason', coalesce(reason, ''), true);
    update novatune.users u set status = 'Active' where u.user_id = reinstate_user.user_id;
    perform set_config('novatune.reason', coalesce(outer_reason, ''), true);
    return 'Active';
end
$$;

create or replace function novatune.logout_all(user_id novatune.ulid, reason text) returns timestamptz
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
declare
    outer_reason text := current_setting('novatune.reason', true);
    valid_after timestamptz;
begin
    perform novatune.user_status_of(logout_all.user_id);
    perform set_config('novatune.reason', coalesce(reason, ''), true);
    -- The clock, not the start of the transaction: a token issued since then ends too. The epoch rises even where the
    -- moment lies in the future already.
    update novatune.users u
       set tokens_valid_after = greatest(u.tokens_valid_after, clock_timestamp()), session_epoch = u.session_epoch + 1
     where u.user_id = logout_all.user_id
    returning u.tokens_valid_after into valid_after;
    perform set_config('novatune.reason', coalesce(outer_reason, ''), true);
    return valid_after;
end
$$;

create or replace function novatune.grant_access(
    track novatune.ulid, grantee novatune.ulid, expires_at timestamptz default null, granted_by novatune.ulid default null,
    reason text default null
) returns timestamptz
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
declare
    outer_reason text := current_setting('novatune.reason', true);
begin
    if not exists (select from novatune.tracks t where t.track_id = track) then
        raise exception 'there is no track %', track using errcode = 'no_data_found';
    elsif not exists (select from novatune.users u where u.user_id = grantee) then
        raise exception 'there is no user %', grantee using errcode = 'no_data_found';
    end if;
    perform set_config('novatune.reason', coalesce(reason, ''), true);
    insert into novatune.track_grants as g (track_id, grantee_id, expires_at, granted_by)
    values (track, grantee, grant_access.expires_at, grant_access.granted_by)
    on conflict on constraint track_grants_pkey
    do update set expires_at = excluded.expires_at, granted_by = excluded.granted_by;
    perform set_config('novatune.reason', coalesce(outer_reason, ''), true);
    return coalesce(grant_access.expires_at, 'infinity');
end
$$;

create or replace function novatune.revoke_access(track novatune.ulid, grantee novatune.ulid, reason text default null)
    returns boolean
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
declare
    outer_reason text := current_setting('novatune.reason', true);
    was_granted boolean;
begin
    perform set_config('novatune.reason', coalesce(reason, ''), true);
    delete from novatune.track_grants g where g.track_id = track and g.grantee_id = grantee;
    was_granted := found;
    perform set_config('novatune.reason', coalesce(outer_reason, ''), true);
    return was_granted;
end
$$;

drop function novatune.exchange_reason(text);

commit;
