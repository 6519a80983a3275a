-- Revert novatune:counter_limits from pg

begin;

set local lock_timeout = '2s';

drop trigger users_check_counters on novatune.users;
drop trigger tracks_check_counters on novatune.tracks;
drop function novatune.check_user_counters();
drop function novatune.check_track_counters();

-- Word for word as session_epoch made it.
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
    if (new.status, new.tokens_valid_after) is distinct from (old.status, old.tokens_valid_after) then
        new.session_epoch := greatest(new.session_epoch, old.session_epoch + 1);
    end if;
    return new;
end
$$;

comment on function novatune.raise_session_epoch() is
    'Trigger: raises users.session_epoch when status or tokens_valid_after changes, and refuses to lower it.';
comment on column novatune.users.tokens_valid_after is
    'Tokens issued before this moment are refused. Set it to now() to log the user out everywhere; -infinity refuses none.';

commit;
