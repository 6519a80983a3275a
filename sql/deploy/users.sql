-- Deploy novatune:users to pg
-- requires: ulid

begin;

create type novatune.user_status as enum ('Active', 'Disabled', 'PendingDeletion', 'Suspended');

comment on type novatune.user_status is
    'State of an account. Only Active users may stream.';

create table novatune.users (
    user_id            novatune.ulid        not null,
    status             novatune.user_status not null default 'Active',
    session_epoch      bigint               not null default 0,
    tokens_valid_after timestamptz          not null default '-infinity',
    created_at         timestamptz          not null default now(),
    updated_at         timestamptz          not null default now(),
    constraint users_pkey primary key (user_id),
    constraint users_session_epoch_not_negative check (session_epoch >= 0)
);

comment on table novatune.users is
    'Listeners. A bearer token''s subject is a user_id; the status here, never the token''s, decides.';
comment on column novatune.users.user_id is
    'ULID of the user, as in the claim sub. Never given to another user.';
comment on column novatune.users.status is
    'State of the account, read on every request.';
comment on column novatune.users.session_epoch is
    'Counts what makes cached stream URLs of this user stale: each change of status or tokens_valid_after. Never falls.';
comment on column novatune.users.tokens_valid_after is
    'Tokens issued before this moment are refused. Set it to now() to log the user out everywhere; -infinity refuses none.';
comment on column novatune.users.created_at is
    'When the row was inserted.';
comment on column novatune.users.updated_at is
    'When the row last changed.';

commit;
