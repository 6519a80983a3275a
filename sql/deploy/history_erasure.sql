-- Deploy novatune:history_erasure to pg
-- requires: history
-- requires: history_triggers
-- requires: ownership

begin;

set local lock_timeout = '2s';

-- The hash of a row of history covers a digest of its details, not the details, so that these can be erased and the
-- chain still verifies. The digest is salted, and the salt is erased with the details: what is left
-- cannot be compared with likely details. A table of its own, so that rows of history keep their columns.
create table novatune.history_digests (
    subject_kind novatune.subject_kind not null,
    subject_id   novatune.ulid         not null,
    position     bigint                not null,
    salt         bytea,
    digest       bytea,
    erased_at    timestamptz,
    constraint history_digests_pkey primary key (subject_kind, subject_id, position),
    constraint history_digests_digest_length check (octet_length(digest) = 32),
    constraint history_digests_salt_length check (octet_length(salt) = 32),
    constraint history_digests_salt_until_erased check (salt is null = (erased_at is not null)),
    constraint history_digests_digest_while_salted check (digest is not null or erased_at is not null)
);

comment on table novatune.history_digests is
    'What the hash of a row of history covers in place of the row''s actor, old_values, new_values and reason. Rows of history that are older than this table have none until they are erased.';
comment on column novatune.history_digests.subject_kind is
    'Whether the chain is a track''s or a user''s.';
comment on column novatune.history_digests.subject_id is
    'The track or user.';
comment on column novatune.history_digests.position is
    'Place in the chain.';
comment on column novatune.history_digests.salt is
    '32 random bytes; null once the details are erased.';
comment on column novatune.history_digests.digest is
    'SHA-256 over salt and details; null for an erased row that is older than this table.';
comment on column novatune.history_digests.erased_at is
    'When the details were erased; null while they are there.';

create trigger history_digests_no_truncate
    before truncate on novatune.history_digests for each statement execute function novatune.refuse_truncate();

comment on trigger history_digests_no_truncate on novatune.history_digests is
    'History stays.';

create function novatune.history_digest(entry novatune.history, salt bytea) returns bytea
    language sql immutable
    set search_path = pg_catalog, pg_temp
    return sha256(salt || convert_to(jsonb_build_array(
        entry.actor, entry.old_values, entry.new_values, entry.reason)::text, 'UTF8'));

comment on function novatune.history_digest(novatune.history, bytea) is
    'Digest of the details of a row of history.';

create function novatune.history_chain_hash(entry novatune.history, digest bytea) returns bytea
    language sql immutable
    set search_path = pg_catalog, pg_temp
    return sha256(convert_to(jsonb_build_array(
        entry.subject_kind::text, entry.subject_id::text, entry.position, extract(epoch from entry.changed_at),
        entry.changed_by, entry.event::text, encode(digest, 'hex'), encode(entry.previous_hash, 'hex'))::text, 'UTF8'));

comment on function novatune.history_chain_hash(novatune.history, bytea) is
    'Hash of a row of history whose details have this digest.';

create or replace function novatune.history_hash(entry novatune.history) returns bytea
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
    set enable_seqscan = off
as $$
declare
    kept novatune.history_digests;
    digest bytea;
begin
    select * into kept
      from novatune.history_digests d
     where (d.subject_kind, d.subject_id, d.position) = (entry.subject_kind, entry.subject_id, entry.position);
    if not found then
        -- As history made it.
        return sha256(convert_to(jsonb_build_array(
            entry.subject_kind::text, entry.subject_id::text, entry.position, extract(epoch from entry.changed_at),
            entry.changed_by, entry.actor, entry.event::text, entry.old_values, entry.new_values, entry.reason,
            encode(entry.previous_hash, 'hex'))::text, 'UTF8'));
    elsif kept.erased_at is null then
        digest := novatune.history_digest(entry, kept.salt);
    elsif num_nonnulls(entry.actor, entry.old_values, entry.new_values, entry.reason) > 0 then
        -- Details where there can be none.
        return '';
    elsif kept.digest is null then
        -- The details that it covers are gone; the next row, or the head, still holds it.
        return entry.hash;
    else
        digest := kept.digest;
    end if;
    return novatune.history_chain_hash(entry, digest);
end
$$;

create or replace function novatune.append_history(
    kind novatune.subject_kind, id novatune.ulid, event novatune.history_event, old_values jsonb, new_values jsonb
) returns void
    language plpgsql
    set search_path = pg_catalog, pg_temp
    set enable_seqscan = off
as $$
declare
    head novatune.history_heads;
    entry novatune.history;
    salt bytea := uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());
    digest bytea;
begin
    select * into head from novatune.history_heads h where h.subject_kind = kind and h.subject_id = id for update;
    if not found then
        insert into novatune.history_heads values (kind, id, 0, '') on conflict do nothing;
        select * into head from novatune.history_heads h where h.subject_kind = kind and h.subject_id = id for update;
        if not found then
            raise exception 'another transaction began the history of % % at the same time', kind, id
                using errcode = 'serialization_failure', hint = 'Try the transaction again.';
        end if;
    end if;
    entry.subject_kind := kind;
    entry.subject_id := id;
    entry.position := head.position + 1;
    entry.changed_at := clock_timestamp();
    entry.changed_by := session_user;
    entry.actor := nullif(left(current_setting('novatune.actor', true), 500), '');
    entry.event := event;
    entry.old_values := old_values;
    entry.new_values := new_values;
    entry.reason := nullif(left(current_setting('novatune.reason', true), 500), '');
    entry.previous_hash := head.hash;
    digest := novatune.history_digest(entry, salt);
    entry.hash := novatune.history_chain_hash(entry, digest);
    insert into novatune.history_digests values (kind, id, entry.position, salt, digest);
    insert into novatune.history values (entry.*);
    update novatune.history_heads h set position = entry.position, hash = entry.hash
     where h.subject_kind = kind and h.subject_id = id;
end
$$;

create function novatune.erase_history_entry(
    kind novatune.subject_kind, id novatune.ulid, entry_position bigint
) returns void
    language plpgsql
    set search_path = pg_catalog, pg_temp
    set enable_seqscan = off
as $$
begin
    insert into novatune.history_digests as d (subject_kind, subject_id, position, erased_at)
    values (kind, id, entry_position, clock_timestamp())
    on conflict on constraint history_digests_pkey
    do update set salt = null, erased_at = coalesce(d.erased_at, excluded.erased_at);
    update novatune.history h
       set actor = null, old_values = null, new_values = null, reason = null
     where (h.subject_kind, h.subject_id, h.position) = (kind, id, entry_position);
end
$$;

comment on function novatune.erase_history_entry(novatune.subject_kind, novatune.ulid, bigint) is
    'Erases the details of one row of history: actor, values and reason. Its hash stays, and the chain verifies.';

-- As their owner: a DBA erases details, and changes none.

create function novatune.erase_history_before(moment timestamptz, at_most bigint default 10000) returns bigint
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    erased bigint;
begin
    if moment is null or moment > clock_timestamp() then
        raise exception 'history can be erased before a moment of the past, not before %', moment
            using errcode = 'invalid_parameter_value';
    end if;
    select count(*) into erased
      from (
        select novatune.erase_history_entry(h.subject_kind, h.subject_id, h.position)
          from (
            select o.subject_kind, o.subject_id, o.position
              from novatune.history o
             where o.changed_at < moment and num_nonnulls(o.actor, o.old_values, o.new_values, o.reason) > 0
             order by o.subject_kind, o.subject_id, o.position
             limit at_most) as h
        offset 0) as done;
    return erased;
end
$$;

create function novatune.erase_person(person novatune.ulid) returns bigint
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    erased bigint;
begin
    if exists (select from novatune.users u where u.user_id = person) then
        raise exception 'user % is still there', person
            using errcode = 'object_not_in_prerequisite_state',
                  hint = 'Delete the user and the user''s tracks first.';
    end if;
    -- The person's own chain, the chains of the tracks that the person owned, and grants to or by the person.
    select count(*) into erased
      from (
        select novatune.erase_history_entry(h.subject_kind, h.subject_id, h.position)
          from (
            select o.subject_kind, o.subject_id, o.position
              from novatune.history o
             where num_nonnulls(o.actor, o.old_values, o.new_values, o.reason) > 0
               and (o.subject_kind = 'user' and o.subject_id = person
                    or o.actor = person
                    or o.subject_kind = 'track' and o.subject_id in (
                        select t.subject_id
                          from novatune.history t
                         where t.subject_kind = 'track' and t.event in ('created', 'owner', 'removed')
                           and person in (t.old_values ->> 'user_id', t.new_values ->> 'user_id'))
                    or o.event = 'grant'
                       and person in (o.old_values ->> 'grantee_id', o.new_values ->> 'grantee_id',
                                      o.old_values ->> 'granted_by', o.new_values ->> 'granted_by'))
             order by o.subject_kind, o.subject_id, o.position) as h
        offset 0) as done;
    return erased;
end
$$;

comment on function novatune.erase_history_before(timestamptz, bigint) is
    'Retention: erases the details of rows of history that are older than a moment, a batch in each call. Returns how many; 0: all are erased. Chains still verify.';
comment on function novatune.erase_person(novatune.ulid) is
    'Erases the details of all history that is about a deleted user, the tracks that the user owned and the grants to or by the user. Returns of how many rows. Chains still verify.';

revoke all on function novatune.history_digest(novatune.history, bytea) from public;
revoke all on function novatune.history_chain_hash(novatune.history, bytea) from public;
revoke all on function novatune.erase_history_entry(novatune.subject_kind, novatune.ulid, bigint) from public;
revoke all on function novatune.erase_history_before(timestamptz, bigint) from public;
revoke all on function novatune.erase_person(novatune.ulid) from public;

grant select on novatune.history_digests to novatune_dba;
-- The first two are what find_history_faults computes with.
grant execute on function
    novatune.history_digest(novatune.history, bytea),
    novatune.history_chain_hash(novatune.history, bytea),
    novatune.erase_history_before(timestamptz, bigint),
    novatune.erase_person(novatune.ulid)
    to novatune_dba;

-- The change ownership came before these.
do $$
declare
    owner name := (select pg_get_userbyid(nspowner) from pg_catalog.pg_namespace where nspname = 'novatune');
    owned text;
begin
    foreach owned in array array[
        'table novatune.history_digests', 'function novatune.history_digest(novatune.history, bytea)',
        'function novatune.history_chain_hash(novatune.history, bytea)',
        'function novatune.erase_history_entry(novatune.subject_kind, novatune.ulid, bigint)',
        'function novatune.erase_history_before(timestamptz, bigint)', 'function novatune.erase_person(novatune.ulid)']
    loop
        execute format('alter %s owner to %I', owned, owner);
    end loop;
end
$$;

commit;
