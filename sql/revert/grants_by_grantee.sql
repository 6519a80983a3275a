-- Revert novatune:grants_by_grantee from pg

begin;

drop index novatune.track_grants_grantee_id_idx;
create index track_grants_grantee_id_idx on novatune.track_grants (grantee_id);

comment on index novatune.track_grants_grantee_id_idx is
    'What a user was granted; also serves the foreign key.';

commit;
