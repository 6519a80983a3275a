-- Deploy novatune:history to pg
-- requires: ulid
-- requires: fixed_keys

begin;

create type novatune.subject_kind as enum ('track', 'user');

comment on type novatune.subject_kind is
    'What a chain of history is about.';

create type novatune.history_event as enum ('created', 'status', 'owner', 'object', 'session', 'grant', 'removed');

comment on type novatune.history_event is
    'What changed: object covers key, MIME type and size; session what ends tokens and cached URLs; grant what others may stream.';

-- No foreign keys: history outlives what it is about.
create table novatune.history (
    subject_kind  novatune.subject_kind  not null,
    subject_id    novatune.ulid          not null,
    position      bigint                 not null,
    changed_at    timestamptz            not null,
    changed_by    text                   not null,
    actor         text,
    event         novatune.history_event not null,
    old_values    jsonb,
    new_values    jsonb,
    reason        text,
    previous_hash bytea                  not null,
    hash          bytea                  not null,
    constraint history_pkey primary key (subject_kind, subject_id, position),
    constraint history_position_positive check (position > 0),
    constraint history_hash_length check (octet_length(hash) = 32),
    constraint history_previous_hash_length
        check (octet_length(previous_hash) = case when position = 1 then 0 else 32 end)
);

comment on table novatune.history is
    'Every change of a track''s or user''s status, owner, object, sessions or grants: a chain for each track and each user, to which only triggers append.';
comment on column novatune.history.subject_kind is
    'Whether the chain is a track''s or a user''s.';
comment on column novatune.history.subject_id is
    'The track or user, which may be gone.';
comment on column novatune.history.position is
    'Place in the chain: 1, 2, 3 and so on without a gap.';
comment on column novatune.history.changed_at is
    'When the change was made, by the clock, not the start of its transaction.';
comment on column novatune.history.changed_by is
    'The role that had logged in (session_user).';
comment on column novatune.history.actor is
    'Who that role acted for, as the application said by: set novatune.actor = ''…''.';
comment on column novatune.history.event is
    'What changed.';
comment on column novatune.history.old_values is
    'What was; null where something came to be.';
comment on column novatune.history.new_values is
    'What is since; null where something ceased to be.';
comment on column novatune.history.reason is
    'Why, as said to the function that made the change, or by: set local novatune.reason = ''…''.';
comment on column novatune.history.previous_hash is
    'Hash of the row before it in the chain; empty in the first.';
comment on column novatune.history.hash is
    'SHA-256 over all other columns.';

-- Its row is what writers of one track or user wait for each other on; those of different ones never meet.
create table novatune.history_heads (
    subject_kind novatune.subject_kind not null,
    subject_id   novatune.ulid         not null,
    position     bigint                not null,
    hash         bytea                 not null,
    constraint history_heads_pkey primary key (subject_kind, subject_id),
    constraint history_heads_position_not_negative check (position >= 0)
);

comment on table novatune.history_heads is
    'The last row of each chain of history, so that a chain cannot be cut short unseen.';
comment on column novatune.history_heads.subject_kind is
    'Whether the chain is a track''s or a user''s.';
comment on column novatune.history_heads.subject_id is
    'The track or user.';
comment on column novatune.history_heads.position is
    'Position of the chain''s last row.';
comment on column novatune.history_heads.hash is
    'Hash of the chain''s last row.';

create trigger history_no_truncate
    before truncate on novatune.history for each statement execute function novatune.refuse_truncate();
create trigger history_heads_no_truncate
    before truncate on novatune.history_heads for each statement execute function novatune.refuse_truncate();

comment on trigger history_no_truncate on novatune.history is
    'History stays.';
comment on trigger history_heads_no_truncate on novatune.history_heads is
    'History stays.';

-- As an array, so that no two rows read alike; the moment as a number, so that no session's time zone matters.
create function novatune.history_hash(entry novatune.history) returns bytea
    language sql immutable
    set search_path = pg_catalog, pg_temp
    return sha256(convert_to(jsonb_build_array(
        entry.subject_kind::text, entry.subject_id::text, entry.position, extract(epoch from entry.changed_at),
        entry.changed_by, entry.actor, entry.event::text, entry.old_values, entry.new_values, entry.reason,
        encode(entry.previous_hash, 'hex'))::text, 'UTF8'));

comment on function novatune.history_hash(novatune.history) is
    'What the column hash of a row of history must be.';

-- Without sequential scans: a plan that was made while a table was small would still scan it when a load has made it large.
create function novatune.append_history(
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

comment on function novatune.append_history(novatune.subject_kind, novatune.ulid, novatune.history_event, jsonb, jsonb) is
    'Appends a row to a chain of history. For triggers.';

create function novatune.find_history_faults(
    kind novatune.subject_kind default null, id novatune.ulid default null
) returns table (subject_kind novatune.subject_kind, subject_id novatune.ulid, "position" bigint, fault text)
    language sql stable
    set search_path = pg_catalog, pg_temp
begin atomic
    with entries as (
        select h as entry, lag(h.position, 1, 0::bigint) over chain as before_position,
               lag(h.hash, 1, ''::bytea) over chain as before_hash,
               row_number() over (partition by h.subject_kind, h.subject_id order by h.position desc) = 1 as is_last
          from novatune.history h
         where (find_history_faults.kind is null or h.subject_kind = find_history_faults.kind)
           and (find_history_faults.id is null or h.subject_id = find_history_faults.id)
        window chain as (partition by h.subject_kind, h.subject_id order by h.position)
    ), lasts as (
        select * from entries where is_last
    ), heads as (
        select *
          from novatune.history_heads h
         where (find_history_faults.kind is null or h.subject_kind = find_history_faults.kind)
           and (find_history_faults.id is null or h.subject_id = find_history_faults.id)
    )
    select (entry).subject_kind, (entry).subject_id, (entry).position, 'the row was edited'
      from entries
     where (entry).hash <> novatune.history_hash(entry)
    union all
    select (entry).subject_kind, (entry).subject_id, (entry).position,
           format('%s row(s) before it are missing', (entry).position - before_position - 1)
      from entries
     where (entry).position <> before_position + 1
    union all
    select (entry).subject_kind, (entry).subject_id, (entry).position, 'the row does not follow the one before it'
      from entries
     where (entry).position = before_position + 1 and (entry).previous_hash <> before_hash
    union all
    select coalesce(heads.subject_kind, (entry).subject_kind), coalesce(heads.subject_id, (entry).subject_id),
           coalesce(heads.position, (entry).position),
           case
               when heads.position is null then 'the head is missing'
               when heads.position > coalesce((entry).position, 0) then
                   format('%s row(s) at the end are missing', heads.position - coalesce((entry).position, 0))
               else 'the head does not fit the last row'
           end
      from heads
      full join lasts on (heads.subject_kind, heads.subject_id) = ((entry).subject_kind, (entry).subject_id)
     where (heads.position, heads.hash) is distinct from ((entry).position, (entry).hash);
end;

comment on function novatune.find_history_faults(novatune.subject_kind, novatune.ulid) is
    'Finds edited, missing, moved and added rows of history: of all chains, of those of one kind, or of one. No row: all is as it was written.';

revoke all on function novatune.history_hash(novatune.history) from public;
revoke all on function novatune.append_history(novatune.subject_kind, novatune.ulid, novatune.history_event, jsonb, jsonb) from public;
revoke all on function novatune.find_history_faults(novatune.subject_kind, novatune.ulid) from public;

commit;
