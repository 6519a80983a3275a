-- Deploy novatune:notification_queue to pg
-- requires: invalidation
-- requires: settings
-- requires: ownership

begin;

set local lock_timeout = '2s';

-- A commit that notifies fails where the queue is full, and any session can fill it. What is handed out does not depend
-- on notifications, so a change without them is right; a change that fails is not.
create or replace function novatune.invalidate(user_id text, track_id text, reason text) returns boolean
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
declare
    single constant integer := 1000;
    queue_usage double precision := pg_notification_queue_usage();
    said text := coalesce(nullif(current_setting('novatune.invalidations', true), ''), '0');
begin
    if queue_usage > 0 and queue_usage > (select s.notify_up_to from novatune.settings s) then
        -- Once a transaction.
        if said = '0' then
            perform set_config('novatune.invalidations', '1', true);
            raise warning 'the queue of notifications is % %% full: caches keep what they have until it expires',
                round((queue_usage * 100)::numeric, 1)
                using hint = 'The log of the server names the session that holds the queue; end it.';
        end if;
        return false;
    end if;
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
    'Notifies responders at commit that cached URLs are no longer good: user, track (or *) and reason. Beyond 1,000 in a transaction it says so of all, and beyond settings.notify_up_to nothing. False: no more need be said of this change.';

alter table novatune.settings
    add column notify_up_to double precision not null default 0.5,
    add constraint settings_notify_up_to_between_0_and_1 check (notify_up_to between 0 and 1);

comment on column novatune.settings.notify_up_to is
    'Changes notify responders as long as no more than this part of the queue of notifications is full (0 to 1). Beyond it they succeed without, where they would fail in the end.';

commit;
