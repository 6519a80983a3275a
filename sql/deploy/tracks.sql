-- Deploy novatune:tracks to pg
-- requires: users

begin;

create type novatune.track_status as enum ('Processing', 'Ready', 'Failed', 'Deleted');

comment on type novatune.track_status is
    'State of a track. Only Ready tracks stream.';

create table novatune.tracks (
    track_id        novatune.ulid         not null,
    user_id         novatune.ulid         not null,
    title           text                  not null,
    object_key      text                  not null,
    mime_type       text                  not null,
    file_size_bytes bigint                not null,
    status          novatune.track_status not null default 'Processing',
    version         bigint                not null default 1,
    created_at      timestamptz           not null default now(),
    updated_at      timestamptz           not null default now(),
    constraint tracks_pkey primary key (track_id),
    -- No cascade: a track names an object in the store, which would be orphaned.
    constraint tracks_user_id_fkey
        foreign key (user_id) references novatune.users (user_id) on delete restrict,
    constraint tracks_title_not_empty
        check (title <> ''),
    constraint tracks_object_key_not_empty
        check (object_key <> ''),
    -- S3's limit.
    constraint tracks_object_key_at_most_1024_bytes
        check (octet_length(object_key) <= 1024),
    constraint tracks_object_key_no_leading_slash
        check (object_key !~ '^/'),
    -- URL parsers collapse these segments, and the signature no longer fits.
    constraint tracks_object_key_no_dot_segments
        check (object_key !~ '(^|/)\.\.?(/|$)'),
    constraint tracks_object_key_no_control_characters
        check (object_key !~ '[\u0001-\u001F\u007F-\u009F]'),
    constraint tracks_mime_type_length
        check (octet_length(mime_type) between 3 and 127),
    -- type "/" subtype of RFC 9110 section 8.3.1, both tokens of section 5.6.2, no parameters.
    constraint tracks_mime_type_type_and_subtype
        check (mime_type ~ '^[!#$%&''*+.^_`|~0-9A-Za-z-]+/[!#$%&''*+.^_`|~0-9A-Za-z-]+$'),
    constraint tracks_file_size_bytes_positive
        check (file_size_bytes > 0),
    constraint tracks_version_positive
        check (version > 0)
);

create index tracks_user_id_idx on novatune.tracks (user_id);

comment on table novatune.tracks is
    'Audio files in the object store and who owns them.';
comment on column novatune.tracks.track_id is
    'ULID of the track, as in the request path. Never given to another track.';
comment on column novatune.tracks.user_id is
    'The owner, who may always stream the track.';
comment on column novatune.tracks.title is
    'Title for people. The responder cannot read it.';
comment on column novatune.tracks.object_key is
    'Key of the object in the bucket, not encoded: at most 1024 bytes, relative, no "." or ".." segments, no control characters.';
comment on column novatune.tracks.mime_type is
    'Media type without parameters, for example audio/mpeg; the player receives it as Content-Type.';
comment on column novatune.tracks.file_size_bytes is
    'Size of the object in bytes.';
comment on column novatune.tracks.status is
    'State of the track, read on every request.';
comment on column novatune.tracks.version is
    'Counts what makes cached stream URLs of this track stale: each change of user_id, object_key, mime_type, file_size_bytes or status.';
comment on column novatune.tracks.created_at is
    'When the row was inserted.';
comment on column novatune.tracks.updated_at is
    'When the row last changed.';
comment on index novatune.tracks_user_id_idx is
    'A user''s tracks; also serves the foreign key.';

commit;
