-- Verify novatune:notification_queue on pg

begin;

select notify_up_to from novatune.settings where false;

do $$
begin
    assert (
        select prosrc like '%pg_notification_queue_usage%'
          from pg_catalog.pg_proc
         where oid = 'novatune.invalidate(text, text, text)'::regprocedure
    ), 'a full queue of notifications makes changes fail';
end
$$;

rollback;
