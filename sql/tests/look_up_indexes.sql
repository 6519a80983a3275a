begin;
\ir shared/setup.sql

select plan(6);

create function pg_temp.plan_of(query text) returns text
    language plpgsql
    set enable_seqscan = off
as $$
declare
    line text;
    lines text := '';
begin
    for line in execute 'explain (costs off) ' || query loop
        lines := lines || line || chr(10);
    end loop;
    return lines;
end
$$;

select matches(pg_temp.plan_of(query), index, 'by ' || what || ': ' || index)
  from (values
    ('object key', 'tracks_object_key_idx', $$select from novatune.tracks where object_key = 'k'$$),
    ('waveform', 'tracks_waveform_object_key_idx', $$select from novatune.tracks where waveform_object_key = 'k'$$),
    ('time', 'history_changed_at_idx', $$select from novatune.history where changed_at > now() - interval '1 day'$$),
    ('owner', 'history_owner_idx',
        $$select from novatune.history where coalesce(new_values, old_values) ->> 'user_id' = 'u'
             and subject_kind = 'track' and event in ('created', 'owner', 'removed')$$),
    ('grantee', 'history_grantee_idx',
        $$select from novatune.history where coalesce(new_values, old_values) ->> 'grantee_id' = 'u'
             and event = 'grant'$$),
    ('actor', 'history_actor_idx', $$select from novatune.history where actor = 'a'$$)
  ) as look_ups (what, index, query);

select * from finish();
rollback;
