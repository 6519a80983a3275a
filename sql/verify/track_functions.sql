-- Verify novatune:track_functions on pg

begin;

select 'novatune.track_status_of(novatune.ulid)'::regprocedure,
       'novatune.delete_track(novatune.ulid, text)'::regprocedure,
       'novatune.restore_track(novatune.ulid, text)'::regprocedure,
       'novatune.mark_ready(novatune.ulid, text, text, bigint)'::regprocedure;

rollback;
