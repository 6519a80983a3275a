-- Revert novatune:settings from pg

begin;

drop table novatune.settings;
drop function novatune.refuse_to_lose_settings();

commit;
