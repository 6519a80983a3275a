-- Deploy novatune:session_epoch to pg
-- requires: users

begin;

create function novatune.raise_session_epoch() returns trigger
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

-- Every function is executable by public until that is revoked.
revoke all on function novatune.raise_session_epoch() from public;

create trigger users_raise_session_epoch
    before update on novatune.users
    for each row
    execute function novatune.raise_session_epoch();

comment on trigger users_raise_session_epoch on novatune.users is
    'Makes cached stream URLs of the user stale with the change that calls for it, in the same transaction.';

commit;
