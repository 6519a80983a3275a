-- Revert novatune:fixed_keys from pg

begin;

drop function novatune.refuse_key_change() cascade;
drop function novatune.refuse_truncate() cascade;

commit;
