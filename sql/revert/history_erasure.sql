-- Revert novatune:history_erasure from pg

begin;

set local lock_timeout = '2s';

drop function novatune.erase_person(novatune.ulid);
drop function novatune.erase_history_before(timestamptz, bigint);
drop function novatune.erase_history_entry(novatune.subject_kind, novatune.ulid, bigint);

-- Word for word as history made them.
create or replace function novatune.history_hash(entry novatune.history) returns bytea
    language sql immutable
    set search_path = pg_catalog, pg_temp
    return sha256(convert_to(jsonb_build_array(
        entry.subject_kind::text, entry.subject_id::text, entry.position, extract(epoch from entry.changed_at),
        entry.changed_by, entry.actor, entry.event::text, entry.old_values, entry.new_values, entry.reason,
        encode(entry.previous_hash, 'hex'))::text, 'UTF8'));

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
begin
    select * into head from novatune.history_heads h where h.subject_kind = kind and h.subject_id = id for update;
    if not found then
        insert into novatune.history_heads values (kind, id, 0, '') on conflict do nothing;
        select * into head from novatune.history_heads h where h.subject_kind = kind and h.subject_id = id for update;
        if not found then
            raise exception 'somebody else began the history of % % at the same time', kind, id
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
    entry.hash := novatune.history_hash(entry);
    insert into novatune.history values (entry.*);
    update novatune.history_heads h set position = entry.position, hash = entry.hash
     where h.subject_kind = kind and h.subject_id = id;
end
$$;

drop function novatune.history_chain_hash(novatune.history, bytea);
drop function novatune.history_digest(novatune.history, bytea);
drop table novatune.history_digests;

-- The former functions know no digests: each chain gets the hashes that they compute, and a new head. What was erased
-- stays erased.
do $$
declare
    entry novatune.history;
    former novatune.history;
begin
    for entry in select * from novatune.history order by subject_kind, subject_id, position loop
        entry.previous_hash := case
            when (former.subject_kind, former.subject_id) = (entry.subject_kind, entry.subject_id) then former.hash
            else ''
        end;
        entry.hash := novatune.history_hash(entry);
        update novatune.history h
           set previous_hash = entry.previous_hash, hash = entry.hash
         where (h.subject_kind, h.subject_id, h.position) = (entry.subject_kind, entry.subject_id, entry.position);
        update novatune.history_heads h
           set hash = entry.hash
         where (h.subject_kind, h.subject_id, h.position) = (entry.subject_kind, entry.subject_id, entry.position);
        former := entry;
    end loop;
end
$$;

commit;
