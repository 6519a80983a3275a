"""A DBA with nothing but psql: listeners notice immediately what is said there."""

import time
from urllib.parse import urlsplit

import pytest

from harness.ulids import ulid
from harness.waiting import wait_for
from harness.wire import fetch
from support.entries import entry
from support.people import Person
from support.problems import assert_not_ready, assert_problem


@pytest.fixture(scope="module")
def dba(stack):
    with Person(stack, "novatune_dba") as dba:
        yield dba


@pytest.fixture(scope="module")
def reader(stack):
    with Person(stack, "novatune_reader") as reader:
        yield reader


@pytest.fixture
def friend(world):
    return world.user()


# Everyday work


def test_deleted_track_is_409_immediately_and_streams_again_once_restored(api, dba, user, cached):
    assert dba(f"select novatune.delete_track('{cached.id}', 'takedown 4711')") == [["Deleted"]]
    assert_not_ready(api.stream(cached.id, user.token), cached.id, "Deleted")
    assert dba(f"select novatune.restore_track('{cached.id}', 'counter notice')") == [["Ready"]]
    assert api.stream(cached.id, user.token).status == 200


def test_suspended_user_is_403_immediately_and_streams_again_once_reinstated(api, dba, user, cached):
    assert dba(f"select novatune.suspend_user('{user.id}', 'fraud')") == [["Suspended"]]
    assert_problem(api.stream(cached.id, user.token), "forbidden", cached.path)
    assert dba(f"select novatune.reinstate_user('{user.id}', 'cleared')") == [["Active"]]
    assert api.stream(cached.id, user.token).status == 200


def test_grantee_streams_immediately_and_no_more_once_it_is_revoked(api, dba, friend, cached):
    assert_problem(api.stream(cached.id, friend.token), "forbidden", cached.path)
    granted_by = cached.owner.id
    dba(f"select novatune.grant_access('{cached.id}', '{friend.id}', granted_by => '{granted_by}', reason => 'press"
        f" copy')")
    assert [api.stream(cached.id, friend.token).status for _ in range(2)] == [200, 200]
    assert dba(f"select novatune.revoke_access('{cached.id}', '{friend.id}', 'published')") == [["t"]]
    assert_problem(api.stream(cached.id, friend.token), "forbidden", cached.path)
    assert dba(f"select novatune.revoke_access('{cached.id}', '{friend.id}')") == [["f"]]


def test_grant_ends_at_its_moment_and_the_cached_url_with_it(unlimited, dba, redis, friend, cached):
    (end,), = dba(
        f"select extract(epoch from novatune.grant_access('{cached.id}', '{friend.id}', clock_timestamp() + interval"
        f" '3 seconds'))")
    end, answers = float(end), []

    def ask():
        started = time.time()
        answers.append((started, unlimited.stream(cached.id, friend.token).status, time.time()))
        return answers[-1][1]

    now = time.time()
    assert ask() == 200 and redis.has(entry(friend, cached))
    # Now and the end are counted in whole seconds; without a grant's end it would be 90.
    assert redis("PTTL", entry(friend, cached)) <= (end - now + 1) * 1000
    wait_for(lambda: ask() == 403, 10, "the end of the grant")
    for started, status, ended in answers:
        assert status == 200 or ended >= end, "refused too early"
        assert status == 403 or started < end, "streamed too long"
    wait_for(lambda: not redis("EXISTS", entry(friend, cached)), 3, "the end of the entry")


def test_logged_out_user_is_401_immediately_and_with_a_new_token_200(api, dba, mint, redis, user, cached):
    (valid_after,), = dba(f"select extract(epoch from novatune.logout_all('{user.id}', 'stolen phone'))")
    answer = api.stream(cached.id, user.token)
    assert_problem(answer, "unauthorized", cached.path)
    assert 'error="invalid_token"' in answer.header("WWW-Authenticate")
    wait_for(lambda: not redis("EXISTS", entry(user, cached)), what="the end of the entry")
    # Whole seconds, as claims have them: the first after the logout.
    assert api.stream(cached.id, mint.hs256(user.id, iat=int(float(valid_after)) + 1)).status == 200
    assert api.stream(cached.id, user.token).status == 401


def test_track_marked_ready_is_streamed_with_the_object_that_was_named(api, dba, world, user):
    track = world.track(user, status="Processing", object_key="uploads/raw")
    assert_not_ready(api.stream(track.id, user.token), track.id, "Processing")
    key = world.put(f"audio/ready/{ulid()}.flac", b"processed")
    assert dba(f"select novatune.mark_ready('{track.id}', '{key}', 'audio/flac', 9)") == [["Ready"]]
    body = api.stream(track.id, user.token).json()
    assert (body["contentType"], body["fileSizeBytes"]) == ("audio/flac", 9)
    assert urlsplit(body["streamUrl"]).path.endswith(key) and fetch(body["streamUrl"]).body == b"processed"


def test_failed_track_is_409_until_it_was_processed_again(api, dba, world, user):
    track = world.track(user, status="Processing")
    dba(f"update novatune.tracks set status = 'Failed' where track_id = '{track.id}'")
    assert_not_ready(api.stream(track.id, user.token), track.id, "Failed")
    dba(f"update novatune.tracks set status = 'Processing' where track_id = '{track.id}'")
    assert_not_ready(api.stream(track.id, user.token), track.id, "Processing")
    dba(f"select novatune.mark_ready('{track.id}', '{track.object_key}', '{track.mime_type}', {track.size})")
    assert api.stream(track.id, user.token).status == 200


def test_rows_may_be_inserted_and_deleted_with_sql(api, dba, mint, shared_object):
    owner, track = ulid(), ulid()
    token = mint.hs256(owner)
    assert api.stream(track, token).status == 403
    dba(f"insert into novatune.users (user_id) values ('{owner}')")
    assert api.stream(track, token).status == 404
    dba("insert into novatune.tracks (track_id, user_id, title, object_key, mime_type, file_size_bytes, status)"
        f" values ('{track}', '{owner}', 'By hand', '{shared_object[0]}', 'audio/mpeg', 1, 'Ready')")
    assert api.stream(track, token).status == 200
    dba(f"delete from novatune.tracks where track_id = '{track}'")
    assert api.stream(track, token).status == 404
    dba(f"delete from novatune.users where user_id = '{owner}'")
    assert api.stream(track, token).status == 403


def test_several_changes_are_atomic(api, dba, user, friend, cached):
    both = (f"select novatune.delete_track('{cached.id}', 'x'); select novatune.suspend_user('{user.id}', 'x');"
            f"select novatune.grant_access('{cached.id}', '{friend.id}');")
    dba(f"begin; {both} rollback;")
    assert [api.stream(cached.id, each.token).status for each in (user, friend)] == [200, 403]
    dba(f"begin; {both} commit;")
    assert [api.stream(cached.id, each.token).status for each in (user, friend)] == [403, 409]


def test_history_has_actor_change_and_reason(dba, user, cached):
    dba(f"select novatune.delete_track('{cached.id}', 'takedown 4711')")
    dba(f"begin; set local novatune.reason = 'appeal'; set local novatune.actor = 'ann@example.com';"
        f" update novatune.tracks set status = 'Ready' where track_id = '{cached.id}'; commit;")
    dba(f"select novatune.logout_all('{user.id}', 'stolen phone')")
    assert dba(
        "select changed_by, actor, event, old_values ->> 'status', new_values ->> 'status', reason from"
        " novatune.history"
        f" where subject_id in ('{cached.id}', '{user.id}') and event <> 'created' order by changed_at") == [
            [dba.role, "", "status", "Ready", "Deleted", "takedown 4711"],
            [dba.role, "ann@example.com", "status", "Deleted", "Ready", "appeal"],
            [dba.role, "", "session", "", "", "stolen phone"]]
    assert dba(f"select * from novatune.find_history_faults('track', '{cached.id}')") == []
    assert dba(f"select * from novatune.find_history_faults('user', '{user.id}')") == []


# Errors that a DBA meets


@pytest.mark.parametrize("present, wanted, legal", [
    ("Ready", "Processing", "Deleted"), ("Ready", "Failed", "Deleted"), ("Failed", "Ready", "Processing or Deleted"),
    ("Deleted", "Processing", "Ready"), ("Deleted", "Failed", "Ready"),
])
def test_illegal_transition_is_refused_with_both_statuses_and_the_legal_ones(
        api, dba, world, user, present, wanted, legal):
    track = world.track(user, status="Ready" if present == "Deleted" else present)
    if present == "Deleted":
        dba(f"select novatune.delete_track('{track.id}', 'x')")
    before = api.stream(track.id, user.token).status
    error = dba.error(f"update novatune.tracks set status = '{wanted}' where track_id = '{track.id}'")
    refusal = f"ERROR:  23514: track {track.id} may not go from {present} to {wanted}"
    assert f"{refusal}: from {present} it may go to {legal}\n" in error
    assert api.stream(track.id, user.token).status == before


def test_deletion_is_final_after_the_grace(api, stack, dba, user, cached):
    dba(f"select novatune.delete_track('{cached.id}', 'x')")
    # Time itself cannot be moved; the row's own can, by who owns the table.
    stack.sql("begin; set local session_replication_role = replica; update novatune.tracks"
              f" set deleted_at = now() - interval '31 days', scheduled_deletion_at = now() - interval '1 day' where"
              f" track_id = '{cached.id}'; commit")
    error = dba.error(f"select novatune.restore_track('{cached.id}', 'too late')")
    refusal = f"23514: track {cached.id} may not go from Deleted to Ready: it was deleted from Ready"
    assert f"{refusal} and could be restored until" in error
    assert_not_ready(api.stream(cached.id, user.token), cached.id, "Deleted")


MISTAKES = {
    "no such track": ("select novatune.delete_track('{unknown}', 'x')", "P0002: there is no track {unknown}"),
    "no such user": ("select novatune.suspend_user('{unknown}', 'x')", "P0002: there is no user {unknown}"),
    "grant on no track": (
        "select novatune.grant_access('{unknown}', '{friend}')", "P0002: there is no track {unknown}"),
    "grant to no user": ("select novatune.grant_access('{track}', '{unknown}')", "P0002: there is no user {unknown}"),
    "nothing to restore": (
        "select novatune.restore_track('{track}', 'x')", "55000: track {track} is Ready, not Deleted"),
    "ready already": (
        "select novatune.mark_ready('{track}', 'k', 'audio/mpeg', 1)", "55000: track {track} is Ready already"),
    "no ULID": ("select novatune.delete_track('song', 'x')", "23514: value for domain novatune.ulid violates"),
    "deletion by columns": ("update novatune.tracks set deleted_at = now() where track_id = '{track}'",
                            "23514: deletion of track {track} may not be set by hand"),
    "overtaken": ("update novatune.tracks set mime_type = 'audio/ogg', version = 0 where track_id = '{track}'",
                  "40001: track {track} is at version 1, not at 0"),
    "other key": ("update novatune.tracks set track_id = '{unknown}' where track_id = '{track}'",
                  "23514: the key of a row of novatune.tracks may not be changed"),
    "owner of tracks removed": (
        "delete from novatune.users where user_id = '{owner}'", "violates foreign key constraint"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_invalid_change_is_refused_with_its_reason_and_changes_nothing(api, dba, user, friend, cached, mistake):
    sql, message = MISTAKES[mistake]
    names = {"track": cached.id, "owner": user.id, "friend": friend.id, "unknown": ulid()}
    assert message.format(**names) in dba.error(sql.format(**names))
    assert [api.stream(cached.id, each.token).status for each in (user, friend)] == [200, 403]


FORBIDDEN = [
    "truncate novatune.track_grants", "drop table novatune.tracks",
    "alter table novatune.tracks disable trigger tracks_invalidate",
    "set session_replication_role = replica", "insert into novatune.history_heads values ('track', '{track}', 1, '')",
    "update novatune.history set reason = 'nicer'", "delete from novatune.history", "create table novatune.mine ()",
    "select novatune.invalidate('*', '*', 'logout')", "alter role novatune_responder superuser",
    "set role novatune_owner",
    "grant novatune_owner to novatune_dba",
]


@pytest.mark.parametrize("sql", FORBIDDEN)
def test_dba_has_no_privilege_to_bypass_the_rules(dba, cached, sql):
    assert "ERROR:  42501: " in dba.error(sql.format(track=cached.id))


# Support


def test_reader_sees_statuses(reader, dba, user, cached):
    dba(f"select novatune.delete_track('{cached.id}', 'takedown 4711')")
    assert reader(f"select status, user_id from novatune.tracks where track_id = '{cached.id}'") == [
        ["Deleted", user.id]]
    assert reader(f"select status from novatune.users where user_id = '{user.id}'") == [["Active"]]
    assert reader(
        "select changed_by, old_status, new_status, reason from novatune.status_history"
        f" where subject_id = '{cached.id}' order by position desc limit 1") == [
            [dba.role, "Ready", "Deleted", "takedown 4711"]]


@pytest.mark.parametrize("sql", [
    "select object_key from novatune.tracks", "select * from novatune.tracks", "select title from novatune.tracks",
    "select t from novatune.tracks t", "select count(*) from novatune.tracks where object_key like 'audio/%'",
    "select new_values from novatune.history", "select tokens_valid_after from novatune.users",
    "update novatune.tracks set status = 'Deleted'", "delete from novatune.track_grants",
    "insert into novatune.users values ('{unknown}')",
    "select novatune.delete_track('{track}', 'x')", "select novatune.grant_access('{track}', '{friend}')",
])
def test_reader_sees_no_object_keys_and_changes_nothing(api, reader, user, friend, cached, sql):
    error = reader.error(sql.format(track=cached.id, friend=friend.id, unknown=ulid()))
    assert "ERROR:  42501: permission denied for" in error
    assert [api.stream(cached.id, each.token).status for each in (user, friend)] == [200, 403]
