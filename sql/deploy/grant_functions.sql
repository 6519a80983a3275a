-- Deploy novatune:grant_functions to pg
-- requires: track_grants
-- requires: history_triggers

begin;

-- With the caller's own rights: the triggers do the work, and do it for a change by hand as well.

create function novatune.grant_access(
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

create function novatune.revoke_access(track novatune.ulid, grantee novatune.ulid, reason text default null) returns boolean
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

comment on function novatune.grant_access(novatune.ulid, novatune.ulid, timestamptz, novatune.ulid, text) is
    'Lets a user stream another''s track until expires_at (null: until revoked), or changes until when. Returns when it ends; the reason goes into the track''s history.';
comment on function novatune.revoke_access(novatune.ulid, novatune.ulid, text) is
    'Ends a grant. False: there was none. The reason goes into the track''s history.';

revoke all on function novatune.grant_access(novatune.ulid, novatune.ulid, timestamptz, novatune.ulid, text) from public;
revoke all on function novatune.revoke_access(novatune.ulid, novatune.ulid, text) from public;

commit;
