-- Deploy novatune:shown_values to pg
-- requires: fixed_keys
-- requires: track_transitions

begin;

set local lock_timeout = '2s';

-- Identifiers, statuses and moments only: a title or an object key stays out of errors, and so out of logs.

create or replace function novatune.refuse_key_change() returns trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
declare
    old_key jsonb := to_jsonb(old);
    new_key jsonb := to_jsonb(new);
begin
    raise exception 'the key of a row of % may not be changed', tg_relid::regclass
        using errcode = 'check_violation', schema = tg_table_schema, table = tg_table_name,
              constraint = tg_name,
              detail = (
                  select string_agg(format('%s: from %s to %s', name, old_key ->> name, new_key ->> name), ', ')
                    from unnest('{user_id,track_id,grantee_id}'::text[]) as name
                   where old_key ->> name <> new_key ->> name
                     and not (tg_table_name = 'tracks' and name = 'user_id')),
              hint = case tg_table_name
                  when 'track_grants' then 'Delete the grant and insert another.'
                  else 'Identifiers are never given to another: insert a new row.'
              end;
end
$$;

create or replace function novatune.check_track_transition() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    legal novatune.track_status[];
    words text;
begin
    if tg_op = 'INSERT' then
        if new.status = 'Deleted' then
            new.deleted_at := coalesce(new.deleted_at, now());
            new.scheduled_deletion_at := coalesce(
                new.scheduled_deletion_at, new.deleted_at + (select deletion_grace from novatune.settings));
            new.status_before_deletion := coalesce(new.status_before_deletion, 'Processing');
        end if;
        return new;
    end if;

    if (new.deleted_at, new.scheduled_deletion_at, new.status_before_deletion)
        is distinct from
       (old.deleted_at, old.scheduled_deletion_at, old.status_before_deletion) then
        raise exception 'deletion of track % may not be set by hand', old.track_id
            using errcode = 'check_violation',
                  schema = tg_table_schema, table = tg_table_name, constraint = 'tracks_deletion_never_by_hand',
                  detail = format('deleted_at, scheduled_deletion_at, status_before_deletion: from %s to %s',
                      row(old.deleted_at, old.scheduled_deletion_at, old.status_before_deletion),
                      row(new.deleted_at, new.scheduled_deletion_at, new.status_before_deletion)),
                  hint = 'Leave deleted_at, scheduled_deletion_at and status_before_deletion out of the update: '
                      'they follow the status.';
    end if;
    if new.status = old.status then
        return new;
    end if;

    legal := case old.status
        when 'Processing' then '{Ready,Failed,Deleted}'::novatune.track_status[]
        when 'Failed' then '{Processing,Deleted}'
        when 'Ready' then '{Deleted}'
        when 'Deleted' then case when now() <= old.scheduled_deletion_at then array[old.status_before_deletion] else '{}' end
    end;
    if new.status <> all (legal) then
        words := case
            when old.status = 'Deleted' and legal = '{}' then
                format('it was deleted from %s and could be restored until %s',
                       old.status_before_deletion, old.scheduled_deletion_at)
            else format('from %s it may go to %s', old.status, array_to_string(legal, ' or '))
        end;
        raise exception 'track % may not go from % to %: %', old.track_id, old.status, new.status, words
            using errcode = 'check_violation',
                  schema = tg_table_schema, table = tg_table_name, column = 'status',
                  constraint = 'tracks_status_transition';
    end if;

    if new.status = 'Deleted' then
        new.deleted_at := now();
        new.scheduled_deletion_at := now() + (select deletion_grace from novatune.settings);
        new.status_before_deletion := old.status;
    else
        new.deleted_at := null;
        new.scheduled_deletion_at := null;
        new.status_before_deletion := null;
    end if;
    return new;
end
$$;

commit;
