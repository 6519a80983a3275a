-- Verify novatune:history on pg

begin;

select subject_kind, subject_id, position, changed_at, changed_by, actor, event, old_values, new_values, reason, previous_hash, hash
  from novatune.history
 where false;
select subject_kind, subject_id, position, hash from novatune.history_heads where false;
select * from novatune.find_history_faults('track', '00000000000000000000000000');

rollback;
