-- Verify novatune:user_functions on pg

begin;

select 'novatune.user_status_of(novatune.ulid)'::regprocedure,
       'novatune.suspend_user(novatune.ulid, text)'::regprocedure,
       'novatune.reinstate_user(novatune.ulid, text)'::regprocedure,
       'novatune.logout_all(novatune.ulid, text)'::regprocedure;

rollback;
