"""An answer follows the last commit in PostgreSQL, also where the cache still holds an older URL."""

import subprocess
import time
from urllib.parse import urlsplit

import pytest

from harness.ulids import ulid
from harness.waiting import concurrently, wait_for
from harness.wire import fetch
from support.database import Database
from support.problems import assert_problem


def test_deletion_and_restoration_take_effect_immediately(api, world, user, cached):
    for _ in range(3):
        world.set_track(cached, "status = 'Deleted'")
        assert api.stream(cached.id, user.token).status == 409
        world.set_track(cached, "status = 'Ready'")
        assert api.stream(cached.id, user.token).status == 200


def test_each_status_before_ready_takes_effect_immediately(api, world, user):
    track = world.track(user, status="Processing")
    for status in ["Failed", "Processing", "Ready"]:
        assert api.stream(track.id, user.token).status == 409
        world.set_track(track, f"status = '{status}'")
    assert api.stream(track.id, user.token).status == 200


def test_new_object_key_is_in_the_next_url(api, world, user, cached):
    key = world.put(f"audio/new/{ulid()}.mp3", b"new audio")
    world.set_track(cached, f"object_key = '{key}'")
    url = api.stream_url(cached.id, user.token)
    assert urlsplit(url).path.endswith(key)
    assert fetch(url).body == b"new audio"


def test_new_type_and_size_are_in_the_next_answer(api, world, user, cached):
    world.set_track(cached, "mime_type = 'audio/ogg', file_size_bytes = 7")
    body = api.stream(cached.id, user.token).json()
    assert (body["contentType"], body["fileSizeBytes"]) == ("audio/ogg", 7)
    assert "response-content-type=audio%2Fogg" in body["streamUrl"]


def test_new_owner_has_access_and_the_former_one_has_none(api, world, user, cached):
    heir = world.user()
    world.set_track(cached, f"user_id = '{heir.id}'")
    assert_problem(api.stream(cached.id, user.token), "forbidden", cached.path)
    assert api.stream(cached.id, heir.token).status == 200


def test_row_deleted_and_inserted_again_does_not_revive_the_old_url(api, world, stack, user, cached):
    key = world.put(f"audio/again/{ulid()}.mp3", b"another")
    stack.sql(
        f"delete from novatune.tracks where track_id = '{cached.id}';"
        "insert into novatune.tracks (track_id, user_id, title, object_key, mime_type, file_size_bytes, status)"
        f" values ('{cached.id}', '{user.id}', 'Again', '{key}', 'audio/mpeg', 7, 'Ready')")
    assert urlsplit(api.stream_url(cached.id, user.token)).path.endswith(key)


def test_deleted_row_is_404_immediately(api, stack, user, cached):
    stack.sql(f"delete from novatune.tracks where track_id = '{cached.id}'")
    assert_problem(api.stream(cached.id, user.token), "track-not-found", cached.path)


@pytest.mark.parametrize("status", ["Disabled", "PendingDeletion", "Suspended"])
def test_user_who_stops_being_active_is_403_immediately(api, world, user, cached, status):
    world.set_user(user, f"status = '{status}'")
    assert_problem(api.stream(cached.id, user.token), "forbidden", cached.path)
    world.set_user(user, "status = 'Active'")
    assert api.stream(cached.id, user.token).status == 200


def test_logout_everywhere_refuses_older_tokens_immediately(api, world, mint, user, cached):
    world.set_user(user, "tokens_valid_after = now() + interval '1 second'")
    answer = api.stream(cached.id, user.token)
    assert_problem(answer, "unauthorized", cached.path)
    assert 'error="invalid_token"' in answer.header("WWW-Authenticate")
    # Counted in whole seconds, as in the claim: the first one after the logout is good when it has come.
    issued_at = int(time.time()) + 2
    wait_for(lambda: time.time() >= issued_at, 3)
    assert api.stream(cached.id, mint.hs256(user.id, iat=issued_at)).status == 200
    assert api.stream(cached.id, mint.hs256(user.id, iat=None)).status == 401


def test_token_issued_at_the_moment_of_the_logout_is_good(api, world, mint, user, cached):
    moment = int(time.time())
    world.set_user(user, f"tokens_valid_after = to_timestamp({moment})")
    assert api.stream(cached.id, mint.hs256(user.id, iat=moment)).status == 200
    assert api.stream(cached.id, mint.hs256(user.id, iat=moment - 1)).status == 401


def test_logout_makes_cached_urls_of_the_user_stale(api, world, stack, mint, user, cached):
    before = api.stream_url(cached.id, user.token)
    # The next URL is signed in another second, or it would be the same text.
    second = int(time.time())
    wait_for(lambda: int(time.time()) > second, 3)
    world.set_user(user, "tokens_valid_after = now() - interval '1 hour'")
    assert api.stream_url(cached.id, user.token) != before


def test_grant_gives_access_until_its_end(api, world, cached):
    friend = world.user()
    assert_problem(api.stream(cached.id, friend.token), "forbidden", cached.path)
    world.grant(cached, friend)
    assert api.stream(cached.id, friend.token).status == 200
    world.grant(cached, friend, expires="now() - interval '1 second'")
    assert_problem(api.stream(cached.id, friend.token), "forbidden", cached.path)


def test_grant_ends_at_its_moment(api, world, cached):
    friend = world.user()
    world.grant(cached, friend, expires="now() + interval '1500 milliseconds'")
    assert api.stream(cached.id, friend.token).status == 200
    wait_for(lambda: api.stream(cached.id, friend.token).status == 403, 5, "the end of the grant")


def test_grant_gives_no_other_status_and_no_other_track(api, world, cached):
    friend = world.user()
    world.grant(cached, friend)
    other = world.track(cached.owner)
    assert_problem(api.stream(other.id, friend.token), "forbidden", other.path)
    world.set_track(cached, "status = 'Deleted'")
    assert api.stream(cached.id, friend.token).status == 409


def test_lost_database_connections_lose_no_request(api, stack, world):
    users = world.users(40)
    tracks = world.tracks(users)
    for _ in range(3):
        killed = stack.sql(
            "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'novatune_responder'")
        assert killed
        answers = concurrently(40, lambda index: api.stream(tracks[index].id, users[index].token))
        assert [answer.status for answer in answers] == [200] * 40


def test_responder_uses_its_own_role(stack):
    roles = stack.sql("select distinct usename from pg_stat_activity where application_name = 'novatune-streamd'")
    assert roles == [["novatune_responder"]]


@pytest.mark.parametrize("setting, value", [("statement_timeout", "65s"), ("client_connection_check_interval", "1s")])
def test_sessions_of_the_responders_role_begin_with_limits(stack, setting, value):
    with Database(stack["RESPONDER_DATABASE_URL"]) as session:
        assert session(f"show {setting}") == [(value,)]
        session(f"set {setting} = 0")
        # What a pooler does before it hands a session to the next client.
        session("discard all")
        assert session(f"show {setting}") == [(value,)]


def test_backend_whose_client_is_gone_ends_while_it_waits_for_a_lock(stack):
    lock = "select pg_advisory_lock(7)"
    waits = ("select 1 from pg_stat_activity where usename = 'novatune_responder' and wait_event = 'advisory'"
             f" and query = '{lock};'")
    with Database(stack["DATABASE_URL"]) as holder:
        holder(lock)
        # A killed client sends no Terminate message; its kernel closes the connection.
        with subprocess.Popen(["psql", "-X", "-q", stack["RESPONDER_DATABASE_URL"], "-c", f"{lock};"]) as client:
            wait_for(lambda: holder(waits), 10, "the wait for the lock")
            client.kill()
        wait_for(lambda: not holder(waits), 10, "the end of the backend")
