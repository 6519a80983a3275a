-- Deploy novatune:track_grants to pg
-- requires: users
-- requires: tracks

begin;

create table novatune.track_grants (
    track_id   novatune.ulid not null,
    grantee_id novatune.ulid not null,
    expires_at timestamptz,
    granted_by novatune.ulid,
    created_at timestamptz   not null default now(),
    -- track_id first: the responder looks up one track for one listener.
    constraint track_grants_pkey primary key (track_id, grantee_id),
    constraint track_grants_track_id_fkey
        foreign key (track_id) references novatune.tracks (track_id) on delete cascade,
    constraint track_grants_grantee_id_fkey
        foreign key (grantee_id) references novatune.users (user_id) on delete cascade,
    -- A grant outlives the account that gave it.
    constraint track_grants_granted_by_fkey
        foreign key (granted_by) references novatune.users (user_id) on delete set null
);

create index track_grants_grantee_id_idx on novatune.track_grants (grantee_id);
create index track_grants_granted_by_idx on novatune.track_grants (granted_by) where granted_by is not null;

comment on table novatune.track_grants is
    'Who besides the owner may stream a track.';
comment on column novatune.track_grants.track_id is
    'The track that may be streamed.';
comment on column novatune.track_grants.grantee_id is
    'The user who may stream it.';
comment on column novatune.track_grants.expires_at is
    'The grant holds before this moment; null holds until it is deleted.';
comment on column novatune.track_grants.granted_by is
    'The user who gave the grant; null if it was an operator or that account is gone.';
comment on column novatune.track_grants.created_at is
    'When the row was inserted.';
comment on index novatune.track_grants_grantee_id_idx is
    'What a user was granted; also serves the foreign key.';
comment on index novatune.track_grants_granted_by_idx is
    'What a user has granted; also serves the foreign key.';

commit;
