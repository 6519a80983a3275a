-- Revert novatune:user_functions from pg

begin;

drop function novatune.logout_all(novatune.ulid, text);
drop function novatune.reinstate_user(novatune.ulid, text);
drop function novatune.suspend_user(novatune.ulid, text);
drop function novatune.user_status_of(novatune.ulid);

commit;
