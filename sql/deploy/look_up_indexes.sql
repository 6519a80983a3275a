-- Deploy novatune:look_up_indexes to pg
-- requires: tracks
-- requires: history
-- requires: grants_by_grantee

-- Without a transaction: concurrently, so that requests and writes go on. What an interrupted deployment left is
-- dropped first.

drop index concurrently if exists novatune.tracks_object_key_idx;
create index concurrently tracks_object_key_idx on novatune.tracks (object_key);
comment on index novatune.tracks_object_key_idx is
    'Which tracks name an object, for takedowns and for tidying up the store.';

drop index concurrently if exists novatune.history_changed_at_idx;
create index concurrently history_changed_at_idx on novatune.history using brin (changed_at);
comment on index novatune.history_changed_at_idx is
    'What happened in a span of time. Rows are stored in the order of time, so a small index will do.';

drop index concurrently if exists novatune.history_owner_idx;
create index concurrently history_owner_idx
    on novatune.history ((coalesce(new_values, old_values) ->> 'user_id'))
    where subject_kind = 'track' and event in ('created', 'owner', 'removed');
comment on index novatune.history_owner_idx is
    'Which tracks a user ever owned.';

drop index concurrently if exists novatune.history_grantee_idx;
create index concurrently history_grantee_idx
    on novatune.history ((coalesce(new_values, old_values) ->> 'grantee_id'))
    where event = 'grant';
comment on index novatune.history_grantee_idx is
    'What a user was ever granted.';

drop index concurrently if exists novatune.history_actor_idx;
create index concurrently history_actor_idx on novatune.history (actor) where actor is not null;
comment on index novatune.history_actor_idx is
    'What a person did, as the application named the person.';
