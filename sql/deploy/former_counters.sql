-- Deploy novatune:former_counters to pg
-- requires: continued_identity
-- requires: ownership

begin;

set local lock_timeout = '2s';

-- History is written after a statement, so an insert in the statement that deletes the row did not find the former
-- counters there. These tables are written before each row is deleted. They also outlive what is pruned from history.
create table novatune.removed_users (
    user_id            novatune.ulid not null,
    session_epoch      bigint        not null,
    tokens_valid_after timestamptz   not null,
    removed_at         timestamptz   not null default now(),
    constraint removed_users_pkey primary key (user_id)
);

create table novatune.removed_tracks (
    track_id   novatune.ulid not null,
    version    bigint        not null,
    removed_at timestamptz   not null default now(),
    constraint removed_tracks_pkey primary key (track_id)
);

comment on table novatune.removed_users is
    'The counters that deleted users had, so that a user who comes back continues them. Only triggers write here.';
comment on column novatune.removed_users.user_id is
    'The user, who may have come back since.';
comment on column novatune.removed_users.session_epoch is
    'users.session_epoch when the row was deleted.';
comment on column novatune.removed_users.tokens_valid_after is
    'users.tokens_valid_after when the row was deleted.';
comment on column novatune.removed_users.removed_at is
    'When the row was deleted last.';
comment on table novatune.removed_tracks is
    'The versions that deleted tracks had, so that a track that comes back continues them. Only triggers write here.';
comment on column novatune.removed_tracks.track_id is
    'The track, which may have come back since.';
comment on column novatune.removed_tracks.version is
    'tracks.version when the row was deleted.';
comment on column novatune.removed_tracks.removed_at is
    'When the row was deleted last.';

create trigger removed_users_no_truncate
    before truncate on novatune.removed_users for each statement execute function novatune.refuse_truncate();
create trigger removed_tracks_no_truncate
    before truncate on novatune.removed_tracks for each statement execute function novatune.refuse_truncate();

comment on trigger removed_users_no_truncate on novatune.removed_users is
    'Without these rows ended tokens could revive.';
comment on trigger removed_tracks_no_truncate on novatune.removed_tracks is
    'Without these rows cached URLs could revive.';

-- All four with their owner's rights: no role writes these tables but by deleting a row.
-- Without sequential scans: a plan that was made while a table was small would still scan it when it has grown.

create function novatune.keep_user_counters() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    set enable_seqscan = off
as $$
begin
    insert into novatune.removed_users as r (user_id, session_epoch, tokens_valid_after)
    values (old.user_id, old.session_epoch, old.tokens_valid_after)
    on conflict on constraint removed_users_pkey
    do update set session_epoch = greatest(r.session_epoch, excluded.session_epoch),
                  tokens_valid_after = greatest(r.tokens_valid_after, excluded.tokens_valid_after),
                  removed_at = excluded.removed_at;
    return old;
end
$$;

create function novatune.keep_track_counters() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    set enable_seqscan = off
as $$
begin
    insert into novatune.removed_tracks as r (track_id, version)
    values (old.track_id, old.version)
    on conflict on constraint removed_tracks_pkey
    do update set version = greatest(r.version, excluded.version), removed_at = excluded.removed_at;
    return old;
end
$$;

-- An insert that has waited for the deletion of another transaction looked for the counters before it waited.
create function novatune.check_continued_user() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    set enable_seqscan = off
as $$
begin
    if exists (
        select
          from novatune.removed_users r
         where r.user_id = new.user_id
           and (r.session_epoch >= new.session_epoch or r.tokens_valid_after > new.tokens_valid_after)
    ) then
        raise exception 'user % was deleted while it was inserted', new.user_id
            using errcode = 'serialization_failure',
                  schema = tg_table_schema, table = tg_table_name,
                  hint = 'Try the transaction again.';
    end if;
    return null;
end
$$;

create function novatune.check_continued_track() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    set enable_seqscan = off
as $$
begin
    if exists (
        select from novatune.removed_tracks r where r.track_id = new.track_id and r.version >= new.version
    ) then
        raise exception 'track % was deleted while it was inserted', new.track_id
            using errcode = 'serialization_failure',
                  schema = tg_table_schema, table = tg_table_name,
                  hint = 'Try the transaction again.';
    end if;
    return null;
end
$$;

create or replace function novatune.continue_user() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    set enable_seqscan = off
as $$
declare
    former novatune.removed_users;
begin
    select * into former from novatune.removed_users r where r.user_id = new.user_id;
    if found then
        new.session_epoch := greatest(new.session_epoch, former.session_epoch + 1);
        new.tokens_valid_after := greatest(new.tokens_valid_after, former.tokens_valid_after);
    end if;
    return new;
end
$$;

create or replace function novatune.continue_track() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    set enable_seqscan = off
as $$
declare
    former novatune.removed_tracks;
begin
    select * into former from novatune.removed_tracks r where r.track_id = new.track_id;
    if found then
        new.version := greatest(new.version, former.version + 1);
    end if;
    return new;
end
$$;

comment on function novatune.keep_user_counters() is
    'Trigger: keeps the counters of a user before the row is deleted.';
comment on function novatune.keep_track_counters() is
    'Trigger: keeps the version of a track before the row is deleted.';
comment on function novatune.check_continued_user() is
    'Trigger: refuses a user whose counters are behind those of a former row that was deleted at the same time.';
comment on function novatune.check_continued_track() is
    'Trigger: refuses a track whose version is behind that of a former row that was deleted at the same time.';

revoke all on function novatune.keep_user_counters() from public;
revoke all on function novatune.keep_track_counters() from public;
revoke all on function novatune.check_continued_user() from public;
revoke all on function novatune.check_continued_track() from public;

create trigger users_keep_counters
    before delete on novatune.users
    for each row
    execute function novatune.keep_user_counters();
create trigger tracks_keep_counters
    before delete on novatune.tracks
    for each row
    execute function novatune.keep_track_counters();
create trigger users_check_continued
    after insert on novatune.users
    for each row
    execute function novatune.check_continued_user();
create trigger tracks_check_continued
    after insert on novatune.tracks
    for each row
    execute function novatune.check_continued_track();

comment on trigger users_keep_counters on novatune.users is
    'Before the deletion, so that an insert in the same statement finds the counters.';
comment on trigger tracks_keep_counters on novatune.tracks is
    'Before the deletion, so that an insert in the same statement finds the version.';
comment on trigger users_check_continued on novatune.users is
    'After the insert, which may have waited for a deletion.';
comment on trigger tracks_check_continued on novatune.tracks is
    'After the insert, which may have waited for a deletion.';

-- The triggers above hold off writers until this transaction ends, so no deletion is missed.
-- A counter near the end of bigint can only have been set by hand, and leaves no room to continue.
insert into novatune.removed_users (user_id, session_epoch, tokens_valid_after, removed_at)
select subject_id, max(least((old_values ->> 'session_epoch')::bigint, 9007199254740991)),
       max((old_values ->> 'tokens_valid_after')::timestamptz), max(changed_at)
  from novatune.history
 where subject_kind = 'user' and event = 'removed'
 group by subject_id;
insert into novatune.removed_tracks (track_id, version, removed_at)
select subject_id, max(least((old_values ->> 'version')::bigint, 9007199254740991)), max(changed_at)
  from novatune.history
 where subject_kind = 'track' and event = 'removed'
 group by subject_id;

grant select on novatune.removed_users, novatune.removed_tracks to novatune_dba;

-- The change ownership came before these.
do $$
declare
    owner name := (select pg_get_userbyid(nspowner) from pg_catalog.pg_namespace where nspname = 'novatune');
    owned text;
begin
    foreach owned in array array[
        'table novatune.removed_users', 'table novatune.removed_tracks',
        'function novatune.keep_user_counters()', 'function novatune.keep_track_counters()',
        'function novatune.check_continued_user()', 'function novatune.check_continued_track()']
    loop
        execute format('alter %s owner to %I', owned, owner);
    end loop;
end
$$;

commit;
