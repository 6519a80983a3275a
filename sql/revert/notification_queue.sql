-- Revert novatune:notification_queue from pg

begin;

set local lock_timeout = '2s';

-- Word for word as invalidation made it.
create or replace function novatune.invalidate(user_id text, track_id text, reason text) returns boolean
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

alter table novatune.settings drop column notify_up_to;

commit;
