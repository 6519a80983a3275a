-- Deploy novatune:continued_identity to pg
-- requires: history_triggers

begin;

-- A row that is removed and inserted again would begin its counters anew, and what was cached of the first would fit the second.
-- Without sequential scans: a plan that was made while history was small would still scan it when a load has made it large.

create function novatune.continue_user() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    set enable_seqscan = off
as $$
declare
    former jsonb;
begin
    select old_values into former
      from novatune.history
     where subject_kind = 'user' and subject_id = new.user_id and event = 'removed'
     order by position desc
     limit 1;
    if found then
        new.session_epoch := greatest(new.session_epoch, (former ->> 'session_epoch')::bigint + 1);
        new.tokens_valid_after := greatest(new.tokens_valid_after, (former ->> 'tokens_valid_after')::timestamptz);
    end if;
    return new;
end
$$;

create function novatune.continue_track() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    set enable_seqscan = off
as $$
declare
    former bigint;
begin
    select (old_values ->> 'version')::bigint into former
      from novatune.history
     where subject_kind = 'track' and subject_id = new.track_id and event = 'removed'
     order by position desc
     limit 1;
    if found then
        new.version := greatest(new.version, former + 1);
    end if;
    return new;
end
$$;

comment on function novatune.continue_user() is
    'Trigger: a user who comes back begins behind the session_epoch and tokens_valid_after of before, so that no ended token or cached URL revives.';
comment on function novatune.continue_track() is
    'Trigger: a track that comes back begins behind the version of before, so that no cached URL revives.';

revoke all on function novatune.continue_user() from public;
revoke all on function novatune.continue_track() from public;

create trigger users_continue
    before insert on novatune.users
    for each row
    execute function novatune.continue_user();
create trigger tracks_continue
    before insert on novatune.tracks
    for each row
    execute function novatune.continue_track();

comment on trigger users_continue on novatune.users is
    'Looks whether there was a user of this user_id before.';
comment on trigger tracks_continue on novatune.tracks is
    'Looks whether there was a track of this track_id before.';

commit;
