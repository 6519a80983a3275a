-- Deploy novatune:track_deletion to pg
-- requires: tracks
-- requires: settings

begin;

alter table novatune.tracks
    add column deleted_at             timestamptz,
    add column scheduled_deletion_at  timestamptz,
    add column status_before_deletion novatune.track_status;

-- What was deleted before nobody wrote down what it had been; Processing never streams.
update novatune.tracks
   set deleted_at = updated_at,
       scheduled_deletion_at = updated_at + (select deletion_grace from novatune.settings),
       status_before_deletion = 'Processing'
 where status = 'Deleted';

alter table novatune.tracks
    add constraint tracks_deletion_complete
        check ((status = 'Deleted') = all (array[
            deleted_at is not null, scheduled_deletion_at is not null, status_before_deletion is not null])),
    add constraint tracks_status_before_deletion_not_deleted
        check (status_before_deletion <> 'Deleted'),
    add constraint tracks_scheduled_deletion_after_deletion
        check (scheduled_deletion_at >= deleted_at);

create index tracks_scheduled_deletion_at_idx on novatune.tracks (scheduled_deletion_at) where status = 'Deleted';

comment on column novatune.tracks.deleted_at is
    'When the track was deleted; null unless it is. Kept by trigger.';
comment on column novatune.tracks.scheduled_deletion_at is
    'Until then a deleted track may be restored, afterwards its row and its object may be removed; null unless it is deleted. Kept by trigger.';
comment on column novatune.tracks.status_before_deletion is
    'What a deleted track is restored to; null unless it is deleted. Kept by trigger.';
comment on index novatune.tracks_scheduled_deletion_at_idx is
    'What may be removed for good.';

commit;
