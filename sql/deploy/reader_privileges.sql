-- Deploy novatune:reader_privileges to pg
-- requires: roles
-- requires: track_deletion
-- requires: history

begin;

-- With its owner's rights: it shows no more of history than statuses.
create view novatune.status_history with (security_barrier) as
select subject_kind, subject_id, position, changed_at, changed_by, actor, event,
       old_values ->> 'status' as old_status, new_values ->> 'status' as new_status, reason
  from novatune.history
 where event in ('created', 'status', 'removed');

comment on view novatune.status_history is
    'Who changed which status when and why, without what else history holds.';
comment on column novatune.status_history.subject_kind is
    'Whether it is a track''s status or a user''s.';
comment on column novatune.status_history.subject_id is
    'The track or user, which may be gone.';
comment on column novatune.status_history.position is
    'Place among all that happened to it.';
comment on column novatune.status_history.changed_at is
    'When.';
comment on column novatune.status_history.changed_by is
    'The role that had logged in.';
comment on column novatune.status_history.actor is
    'Who that role acted for.';
comment on column novatune.status_history.event is
    'created, status or removed.';
comment on column novatune.status_history.old_status is
    'The status before; null where it was created.';
comment on column novatune.status_history.new_status is
    'The status since; null where it was removed.';
comment on column novatune.status_history.reason is
    'Why.';

grant usage on schema novatune to novatune_reader;

grant select (user_id, status, created_at, updated_at) on novatune.users to novatune_reader;
grant select (track_id, user_id, status, version, created_at, updated_at, deleted_at, scheduled_deletion_at, status_before_deletion)
    on novatune.tracks to novatune_reader;
grant select (track_id, grantee_id, expires_at, created_at) on novatune.track_grants to novatune_reader;
grant select on novatune.status_history to novatune_reader, novatune_dba;

commit;
