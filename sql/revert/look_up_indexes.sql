-- Revert novatune:look_up_indexes from pg

drop index concurrently if exists novatune.tracks_object_key_idx;
drop index concurrently if exists novatune.history_changed_at_idx;
drop index concurrently if exists novatune.history_owner_idx;
drop index concurrently if exists novatune.history_grantee_idx;
drop index concurrently if exists novatune.history_actor_idx;
