-- Revert novatune:history from pg

begin;

drop function novatune.find_history_faults(novatune.subject_kind, novatune.ulid);
drop function novatune.append_history(novatune.subject_kind, novatune.ulid, novatune.history_event, jsonb, jsonb);
drop function novatune.history_hash(novatune.history);
drop table novatune.history_heads;
drop table novatune.history;
drop type novatune.history_event;
drop type novatune.subject_kind;

commit;
