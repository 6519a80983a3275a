-- Revert novatune:track_deletion from pg

begin;

-- Index and checks go with their columns.
alter table novatune.tracks
    drop column deleted_at,
    drop column scheduled_deletion_at,
    drop column status_before_deletion;

commit;
