-- Revert novatune:former_counters from pg

begin;

set local lock_timeout = '2s';

drop trigger users_keep_counters on novatune.users;
drop trigger tracks_keep_counters on novatune.tracks;
drop trigger users_check_continued on novatune.users;
drop trigger tracks_check_continued on novatune.tracks;
drop function novatune.keep_user_counters();
drop function novatune.keep_track_counters();
drop function novatune.check_continued_user();
drop function novatune.check_continued_track();

-- Word for word as continued_identity made them.
create or replace function novatune.continue_user() returns trigger
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

create or replace function novatune.continue_track() returns trigger
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

drop table novatune.removed_users;
drop table novatune.removed_tracks;

commit;
