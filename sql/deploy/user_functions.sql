-- Deploy novatune:user_functions to pg
-- requires: session_epoch
-- requires: history_triggers

begin;

-- With the caller's own rights: the triggers do the work, and do it for an update by hand as well.

create function novatune.user_status_of(id novatune.ulid) returns novatune.user_status
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
declare
    found_status novatune.user_status;
begin
    select u.status into found_status from novatune.users u where u.user_id = id for no key update;
    if not found then
        raise exception 'there is no user %', id using errcode = 'no_data_found';
    end if;
    return found_status;
end
$$;

create function novatune.suspend_user(user_id novatune.ulid, reason text) returns novatune.user_status
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

create function novatune.reinstate_user(user_id novatune.ulid, reason text) returns novatune.user_status
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

create function novatune.logout_all(user_id novatune.ulid, reason text) returns timestamptz
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

comment on function novatune.user_status_of(novatune.ulid) is
    'Status of a user, whose row stays locked until the end of the transaction; an error where there is none.';
comment on function novatune.suspend_user(novatune.ulid, text) is
    'Stops an active user from streaming. The reason goes into the user''s history.';
comment on function novatune.reinstate_user(novatune.ulid, text) is
    'Lets a suspended or disabled user stream again. The reason goes into the user''s history.';
comment on function novatune.logout_all(novatune.ulid, text) is
    'Ends all sessions of a user: tokens issued before now are refused, cached URLs are dead. Returns since when tokens are good again; the reason goes into the user''s history.';

revoke all on function novatune.user_status_of(novatune.ulid) from public;
revoke all on function novatune.suspend_user(novatune.ulid, text) from public;
revoke all on function novatune.reinstate_user(novatune.ulid, text) from public;
revoke all on function novatune.logout_all(novatune.ulid, text) from public;

commit;
