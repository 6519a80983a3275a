-- Revert novatune:user_identities from pg

begin;

set local lock_timeout = '2s';

drop function novatune.unlink_identity(text, text, text);
drop function novatune.link_identity(text, text, novatune.ulid, text);

-- Word for word as history_erasure made it.
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

comment on function novatune.erase_person(novatune.ulid) is
    'Erases the details of all history that is about a deleted user, the tracks that the user owned and the grants to or by the user. Returns of how many rows. Chains still verify.';

drop table novatune.user_identities;
drop function novatune.record_identity_change();
drop function novatune.refuse_identity_change();
drop domain novatune.identity_subject;
drop domain novatune.identity_issuer;

-- The value identity of the type history_event stays: it cannot be removed, and rows of history may have it.
comment on type novatune.history_event is
    'What changed: object covers key, MIME type and size; session what ends tokens and cached URLs; grant what others may stream.';
comment on table novatune.history is
    'Every change of a track''s or user''s status, owner, object, sessions or grants: a chain for each track and each user, to which only triggers append.';
comment on table novatune.users is
    'Listeners. A bearer token''s subject is a user_id; the status here, never the token''s, decides.';
comment on column novatune.users.user_id is
    'ULID of the user, as in the claim sub. Never given to another user.';

commit;
