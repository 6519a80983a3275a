-- Deploy novatune:counter_limits to pg
-- requires: optimistic_concurrency
-- requires: former_counters

begin;

set local lock_timeout = '2s';

-- 2^53 - 1 is the highest counter that a statement may name: exact in JSON, and a thousandth of what bigint holds, so
-- that the triggers' steps never come to the end. A counter at its end would make each later suspension fail.
-- A counter that was set higher before is lowered: cached URLs become stale by any other value.
do $$
declare
    highest constant bigint := 9007199254740991;
begin
    if exists (select from novatune.users where session_epoch > highest) then
        alter table novatune.users disable trigger users_raise_session_epoch;
        update novatune.users set session_epoch = highest where session_epoch > highest;
        alter table novatune.users enable trigger users_raise_session_epoch;
    end if;
    if exists (select from novatune.tracks where version > highest) then
        alter table novatune.tracks disable trigger tracks_raise_version;
        update novatune.tracks set version = highest where version > highest;
        alter table novatune.tracks enable trigger tracks_raise_version;
    end if;
end
$$;

create function novatune.check_user_counters() returns trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
begin
    raise exception 'user % may not begin with the session_epoch %', new.user_id, new.session_epoch
        using errcode = 'check_violation',
              schema = tg_table_schema, table = tg_table_name, column = 'session_epoch',
              constraint = 'users_session_epoch_up_to_2_to_53',
              hint = 'Leave session_epoch out of the insert.';
end
$$;

create function novatune.check_track_counters() returns trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
begin
    raise exception 'track % may not begin with the version %', new.track_id, new.version
        using errcode = 'check_violation',
              schema = tg_table_schema, table = tg_table_name, column = 'version',
              constraint = 'tracks_version_up_to_2_to_53',
              hint = 'Leave version out of the insert.';
end
$$;

create or replace function novatune.raise_session_epoch() returns trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
begin
    if new.session_epoch < old.session_epoch then
        raise exception 'session_epoch of user % may not fall from % to %',
            old.user_id, old.session_epoch, new.session_epoch
            using errcode = 'check_violation',
                  schema = tg_table_schema, table = tg_table_name, column = 'session_epoch',
                  constraint = 'users_session_epoch_never_falls',
                  hint = 'Leave session_epoch out of the update: it rises by itself.';
    end if;
    -- One more than before is what a logout writes, and always passes.
    if new.session_epoch > 9007199254740991 and new.session_epoch - 1 > old.session_epoch then
        raise exception 'session_epoch of user % may not rise from % to %',
            old.user_id, old.session_epoch, new.session_epoch
            using errcode = 'check_violation',
                  schema = tg_table_schema, table = tg_table_name, column = 'session_epoch',
                  constraint = 'users_session_epoch_up_to_2_to_53',
                  hint = 'Leave session_epoch out of the update: it rises by itself.';
    end if;
    if new.tokens_valid_after < old.tokens_valid_after then
        if new.tokens_valid_after < now() then
            raise exception 'tokens_valid_after of user % may not move back from % to %',
                old.user_id, old.tokens_valid_after, new.tokens_valid_after
                using errcode = 'check_violation',
                      schema = tg_table_schema, table = tg_table_name, column = 'tokens_valid_after',
                      constraint = 'users_tokens_valid_after_never_moves_back',
                      hint = 'What it refuses stays refused. Set it to now() to end what was issued since.';
        end if;
        -- A logout that waited for a later one: the later moment stays, and what is cached becomes stale once more.
        new.tokens_valid_after := old.tokens_valid_after;
        new.session_epoch := greatest(new.session_epoch, old.session_epoch + 1);
    end if;
    if (new.status, new.tokens_valid_after) is distinct from (old.status, old.tokens_valid_after) then
        new.session_epoch := greatest(new.session_epoch, old.session_epoch + 1);
    end if;
    return new;
end
$$;

comment on function novatune.raise_session_epoch() is
    'Trigger: raises users.session_epoch when status or tokens_valid_after changes; refuses to lower either, or to set the epoch so high that it could not go on.';
comment on function novatune.check_user_counters() is
    'Trigger: refuses a new user whose session_epoch is so high that it could not go on.';
comment on function novatune.check_track_counters() is
    'Trigger: refuses a new track whose version is so high that it could not go on.';
comment on column novatune.users.tokens_valid_after is
    'Tokens issued before this moment are refused. Set it to now() to log the user out everywhere; -infinity refuses none, infinity all for good. Never moves back.';

revoke all on function novatune.check_user_counters() from public;
revoke all on function novatune.check_track_counters() from public;

-- By their names these run before users_continue and tracks_continue, which may go beyond what a statement may name.
create trigger users_check_counters
    before insert on novatune.users
    for each row
    when (new.session_epoch > 9007199254740991)
    execute function novatune.check_user_counters();
create trigger tracks_check_counters
    before insert on novatune.tracks
    for each row
    when (new.version > 9007199254740991)
    execute function novatune.check_track_counters();

comment on trigger users_check_counters on novatune.users is
    'A session_epoch of 2^53 - 1 is the highest that a statement may name.';
comment on trigger tracks_check_counters on novatune.tracks is
    'A version of 2^53 - 1 is the highest that a statement may name.';

-- The change ownership came before these.
do $$
declare
    owner name := (select pg_get_userbyid(nspowner) from pg_catalog.pg_namespace where nspname = 'novatune');
begin
    execute format('alter function novatune.check_user_counters() owner to %I', owner);
    execute format('alter function novatune.check_track_counters() owner to %I', owner);
end
$$;

commit;
