-- Deploy novatune:updated_at to pg
-- requires: users
-- requires: tracks

begin;

create function novatune.set_updated_at() returns trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
begin
    new.updated_at := now();
    return new;
end
$$;

comment on function novatune.set_updated_at() is
    'Trigger: sets updated_at to the start of the transaction.';

revoke all on function novatune.set_updated_at() from public;

create trigger users_set_updated_at
    before update on novatune.users
    for each row
    when (old.* is distinct from new.*)
    execute function novatune.set_updated_at();

comment on trigger users_set_updated_at on novatune.users is
    'Keeps updated_at true. An update that changes nothing is no change.';

create trigger tracks_set_updated_at
    before update on novatune.tracks
    for each row
    when (old.* is distinct from new.*)
    execute function novatune.set_updated_at();

comment on trigger tracks_set_updated_at on novatune.tracks is
    'Keeps updated_at true. An update that changes nothing is no change.';

commit;
