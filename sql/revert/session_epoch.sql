-- Revert novatune:session_epoch from pg

begin;

drop trigger users_raise_session_epoch on novatune.users;
drop function novatune.raise_session_epoch();

commit;
