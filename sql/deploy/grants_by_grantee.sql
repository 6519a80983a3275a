-- Deploy novatune:grants_by_grantee to pg
-- requires: track_grants

begin;

-- With both columns: where the planner takes this index for one grantee and one track, it finds the row at once, however many
-- grants the grantee has.
drop index novatune.track_grants_grantee_id_idx;
create index track_grants_grantee_id_idx on novatune.track_grants (grantee_id, track_id);

comment on index novatune.track_grants_grantee_id_idx is
    'What a user was granted; also serves the foreign key.';

commit;
