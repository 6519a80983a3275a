-- Revert novatune:users from pg

begin;

drop table novatune.users;
drop type novatune.user_status;

commit;
