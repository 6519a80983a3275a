-- Deploy novatune:user_identities to pg
-- requires: users
-- requires: history_erasure
-- requires: exchange_reason
-- requires: ownership

begin;

-- The foreign key keeps writers of users waiting until this transaction ends; requests read on.
set local lock_timeout = '2s';

-- Domains, because an error about a domain does not show the value: a subject is personal data.
-- Collation C compares byte by byte: identities that differ are never one. Limits in bytes keep a row of the index short
-- enough.
create domain novatune.identity_issuer as text collate "C"
    constraint identity_issuer_1_to_2048_bytes check (octet_length(value) between 1 and 2048)
    constraint identity_issuer_without_control_characters check (value !~ '[\u0001-\u001f\u007f-\u009f]');
create domain novatune.identity_subject as text collate "C"
    constraint identity_subject_1_to_255_bytes check (octet_length(value) between 1 and 255)
    constraint identity_subject_without_control_characters check (value !~ '[\u0001-\u001f\u007f-\u009f]');

comment on domain novatune.identity_issuer is
    'Claim iss of an identity provider''s tokens: 1 to 2048 bytes, no control characters. Compared byte by byte.';
comment on domain novatune.identity_subject is
    'What an identity provider calls a user (OpenID Connect Core 1.0, section 2, sub): 1 to 255 bytes, no control characters. Compared byte by byte. Personal data.';

create table novatune.user_identities (
    issuer     novatune.identity_issuer  not null,
    subject    novatune.identity_subject not null,
    user_id    novatune.ulid             not null,
    created_at timestamptz               not null default now(),
    constraint user_identities_pkey primary key (issuer, subject),
    constraint user_identities_user_id_fkey
        foreign key (user_id) references novatune.users (user_id) on delete cascade
);

create index user_identities_user_id_idx on novatune.user_identities (user_id);

comment on table novatune.user_identities is
    'Which user an identity provider''s token is of, where the token does not name the user by ULID.';
comment on column novatune.user_identities.issuer is
    'The identity provider, as its tokens say in iss.';
comment on column novatune.user_identities.subject is
    'What the identity provider calls the user: sub, or the claim that the responder takes in its place. Personal data.';
comment on column novatune.user_identities.user_id is
    'The user. One user may have several identities.';
comment on column novatune.user_identities.created_at is
    'When the row was inserted.';
comment on index novatune.user_identities_user_id_idx is
    'A user''s identities; also serves the foreign key.';

comment on table novatune.users is
    'Listeners. A bearer token names one by user_id, or by an identity that is linked to it; the status here, never the token''s, decides.';
comment on column novatune.users.user_id is
    'ULID of the user, as in the claim sub of tokens that name users by it. Never given to another user.';

create function novatune.refuse_identity_change() returns trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
begin
    raise exception 'an identity of user % may not be changed', old.user_id
        using errcode = 'check_violation', schema = tg_table_schema, table = tg_table_name, constraint = tg_name,
              hint = 'Delete the row and insert another.';
end
$$;

comment on function novatune.refuse_identity_change() is
    'Trigger: refuses to change an identity or to give it to another user.';

revoke all on function novatune.refuse_identity_change() from public;

create trigger user_identities_are_fixed
    before update of issuer, subject, user_id on novatune.user_identities
    for each row
    when ((old.issuer, old.subject, old.user_id) is distinct from (new.issuer, new.subject, new.user_id))
    execute function novatune.refuse_identity_change();
create trigger user_identities_no_truncate
    before truncate on novatune.user_identities for each statement execute function novatune.refuse_truncate();

comment on trigger user_identities_are_fixed on novatune.user_identities is
    'To move an identity is to unlink it and to link it, and each leaves its trace.';
comment on trigger user_identities_no_truncate on novatune.user_identities is
    'Rows go one by one, so that each leaves its trace.';

-- A value of an enumeration cannot be removed, so a revert leaves this one.
alter type novatune.history_event add value if not exists 'identity' before 'removed';

comment on type novatune.history_event is
    'What changed: object covers key, MIME type and size; session what ends tokens and cached URLs; grant what others may stream; identity what identity providers call the user.';
comment on table novatune.history is
    'Every change of a track''s or user''s status, owner, object, sessions, grants or identities: a chain for each track and each user, to which only triggers append.';

create function novatune.record_identity_change() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    set enable_seqscan = off
as $$
declare
    id novatune.ulid := coalesce(new.user_id, old.user_id);
begin
    -- The user before its history, as a change of the user itself: two that took them in turns would deadlock.
    perform from novatune.users u where u.user_id = id for no key update;
    perform novatune.append_history('user', id, 'identity',
        case when tg_op = 'DELETE' then jsonb_build_object('issuer', old.issuer, 'subject', old.subject) end,
        case when tg_op = 'INSERT' then jsonb_build_object('issuer', new.issuer, 'subject', new.subject) end);
    return null;
end
$$;

comment on function novatune.record_identity_change() is
    'Trigger: appends what was linked or unlinked to the user''s history.';

revoke all on function novatune.record_identity_change() from public;

create trigger user_identities_record_change
    after insert or delete on novatune.user_identities
    for each row
    execute function novatune.record_identity_change();

comment on trigger user_identities_record_change on novatune.user_identities is
    'Every change leaves its trace, in the same transaction.';

create or replace function novatune.erase_person(person novatune.ulid) returns bigint
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
    -- The person's own chain, the chains of the tracks that the person owned, grants to or by the person, and the
    -- person's identities where they were another user's before or after.
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
                                      o.old_values ->> 'granted_by', o.new_values ->> 'granted_by')
                    or o.event = 'identity'
                       and coalesce(o.new_values, o.old_values) in (
                        select coalesce(i.new_values, i.old_values)
                          from novatune.history i
                         where i.subject_kind = 'user' and i.subject_id = person and i.event = 'identity'))
             order by o.subject_kind, o.subject_id, o.position) as h
        offset 0) as done;
    return erased;
end
$$;

comment on function novatune.erase_person(novatune.ulid) is
    'Erases the details of all history that is about a deleted user, the user''s identities, the tracks that the user owned and the grants to or by the user. Returns of how many rows. Chains still verify.';

-- With the caller's own rights: the triggers do the work, and do it for a change by hand as well. No error shows a
-- subject.

create function novatune.link_identity(issuer text, subject text, user_id novatune.ulid, reason text default null)
    returns boolean
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
declare
    provider novatune.identity_issuer := coalesce(issuer, '');
    name novatune.identity_subject := coalesce(subject, '');
    holder novatune.ulid;
    outer_reason text;
    is_new boolean;
begin
    if not exists (select from novatune.users u where u.user_id = link_identity.user_id) then
        raise exception 'there is no user %', link_identity.user_id using errcode = 'no_data_found';
    end if;
    outer_reason := novatune.exchange_reason(link_identity.reason);
    insert into novatune.user_identities (issuer, subject, user_id) values (provider, name, link_identity.user_id)
    on conflict on constraint user_identities_pkey do nothing;
    is_new := found;
    perform novatune.exchange_reason(outer_reason);
    if is_new then
        return true;
    end if;
    select i.user_id into holder from novatune.user_identities i where i.issuer = provider and i.subject = name;
    if not found then
        raise exception 'another transaction unlinked the identity at the same time'
            using errcode = 'serialization_failure', hint = 'Try the transaction again.';
    elsif holder <> link_identity.user_id then
        raise exception 'this identity of % is linked to user %', provider, holder
            using errcode = 'unique_violation',
                  schema = 'novatune', table = 'user_identities', constraint = 'user_identities_pkey',
                  hint = 'If it is to be the other user''s from now on, first: '
                      'select novatune.unlink_identity(issuer, subject, reason)';
    end if;
    return false;
end
$$;

create function novatune.unlink_identity(issuer text, subject text, reason text default null) returns boolean
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
declare
    outer_reason text;
    was_linked boolean;
begin
    outer_reason := novatune.exchange_reason(unlink_identity.reason);
    delete from novatune.user_identities i
     where i.issuer = unlink_identity.issuer and i.subject = unlink_identity.subject;
    was_linked := found;
    perform novatune.exchange_reason(outer_reason);
    return was_linked;
end
$$;

comment on function novatune.link_identity(text, text, novatune.ulid, text) is
    'From now on tokens of this issuer with this subject are the user''s. False: they are already. Refuses an identity of another user. The reason goes into the user''s history.';
comment on function novatune.unlink_identity(text, text, text) is
    'From now on tokens of this issuer with this subject are refused. False: they were already. The reason goes into the user''s history.';

revoke all on function novatune.link_identity(text, text, novatune.ulid, text) from public;
revoke all on function novatune.unlink_identity(text, text, text) from public;

-- The columns of the responder's query by identity (tests/responder_query.sql), no more.
grant select (issuer, subject, user_id) on novatune.user_identities to novatune_responder;
grant select, insert, delete on novatune.user_identities to novatune_dba;
grant select (issuer, user_id, created_at) on novatune.user_identities to novatune_reader;
grant execute on function
    novatune.link_identity(text, text, novatune.ulid, text),
    novatune.unlink_identity(text, text, text)
    to novatune_dba;

-- The change ownership came before these.
do $$
declare
    owner name := (select pg_get_userbyid(nspowner) from pg_catalog.pg_namespace where nspname = 'novatune');
    owned text;
begin
    foreach owned in array array[
        'domain novatune.identity_issuer', 'domain novatune.identity_subject', 'table novatune.user_identities',
        'function novatune.refuse_identity_change()', 'function novatune.record_identity_change()',
        'function novatune.link_identity(text, text, novatune.ulid, text)',
        'function novatune.unlink_identity(text, text, text)']
    loop
        execute format('alter %s owner to %I', owned, owner);
    end loop;
end
$$;

commit;
