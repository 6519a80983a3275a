"""`novatune-streamd invalidate`: for services whose changes the database does not see."""

import os
import subprocess
from urllib.parse import quote

import pytest

from support import canaries, evidence
from support.entries import Cast
from support.invalidations import REASONS, counted
from support.ulids import ulid
from support.waiting import wait_for

DONE, FAILED, BAD_ARGUMENTS, BAD_SETTINGS = 0, 1, 64, 78
PASSWORD = "a password that no output contains"
canaries.add(PASSWORD, kind="password")


@pytest.fixture
def invalidate(stack):
    """Runs the command with the responder's settings, and others; no output may contain a secret."""

    def invalidate(*arguments, config=True, **settings):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("NOVATUNE_")} | settings
        command = [stack["RESPONDER_BINARY"], "invalidate", *arguments]
        if config:
            command += ["--config", stack.state / "responder.conf"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20)
        output = done.stdout + done.stderr
        evidence.keep("output of invalidate", output.encode())
        assert [secret for secret in [PASSWORD, *canaries.all_canaries()] if secret in output] == []
        return done

    return invalidate


@pytest.fixture
def cast(api, world, redis):
    return Cast(api, world, redis)


def test_one_track_of_a_user_is_taken_out(invalidate, cast):
    done = invalidate("--user", cast.owner.id, "--track", cast.track.id, "--reason", "deletion")
    assert (done.returncode, done.stderr) == (DONE, "")
    assert cast.cached() == cast.indexed() == set(cast.entries) - {"owner"}


def test_all_of_a_user_is_taken_out(invalidate, cast):
    done = invalidate("--user", cast.owner.id, "--reason", "logout")
    assert (done.returncode, done.stderr) == (DONE, "")
    assert cast.cached() == cast.indexed() == set(cast.entries) - {"owner", "owner's second"}


def test_nothing_to_take_out_is_no_error(invalidate, cast):
    done = invalidate("--user", ulid(), "--reason", "logout")
    assert (done.returncode, done.stderr) == (DONE, "")
    assert "removed 0 entries" in done.stdout
    assert cast.cached() == set(cast.entries)


def test_lower_case_means_the_same_user_and_track(invalidate, cast):
    assert invalidate("--user", cast.owner.id.lower(), "--track", cast.track.id.lower(), "--reason", "deletion").returncode == DONE
    assert cast.cached() == set(cast.entries) - {"owner"}


def test_listener_whose_urls_were_taken_out_gets_a_new_one(invalidate, api, cast):
    assert invalidate("--user", cast.owner.id, "--reason", "logout").returncode == DONE
    assert api.stream(cast.track.id, cast.owner.token).status == 200
    assert "owner" in cast.cached()


@pytest.mark.parametrize("reason", REASONS)
def test_responders_count_the_reason(invalidate, words, reason):
    assert words.heard(lambda: invalidate("--user", ulid(), "--reason", reason)) == dict.fromkeys(REASONS, 0) | {reason: 1}


@pytest.fixture
def alone(responders):
    """A responder with a cache of its own, which listens."""
    responder = responders().start_on_own_sockets(NOVATUNE_CACHE_URL="memory:")
    wait_for(lambda: responder.metrics()["invalidation_listener_up"] == 1)
    return responder


@pytest.mark.parametrize("cache", ["memory:", None], ids=["told of no other cache", "told of the shared one"])
def test_caches_inside_responders_are_emptied(invalidate, alone, world, user, cache):
    first, second, third = tracks = world.tracks([user], each=3)
    for track in tracks:
        assert alone.ask(track, user.token)[0] == 200
    settings = {"NOVATUNE_CACHE_URL": cache} if cache else {}
    assert invalidate("--user", user.id, "--track", first.id, "--reason", "deletion", **settings).returncode == DONE
    wait_for(lambda: alone.metrics()["cache_entries"] == 2)
    assert invalidate("--user", user.id, "--reason", "deletion", **settings).returncode == DONE
    wait_for(lambda: alone.metrics()["cache_entries"] == 0)


def test_other_prefix_is_another_cache(invalidate, cast):
    """Without a database, so that no responder does it."""
    here, elsewhere = [
        invalidate("--user", cast.owner.id, "--reason", "logout", NOVATUNE_DATABASE_URL="host=/nowhere", NOVATUNE_CACHE_PREFIX=prefix)
        for prefix in ("stream", "other")
    ]
    assert "removed 2 entries" in here.stdout and "removed 0 entries" in elsewhere.stdout


@pytest.mark.parametrize("arguments, complaint", [
    (["--user", "alice", "--reason", "logout"], "--user is not a ULID"),
    (["--user", "8" + "0" * 25, "--reason", "logout"], "--user is not a ULID"),
    (["--user", "", "--reason", "logout"], "--user is not a ULID"),
    (["--user", "*", "--reason", "logout"], "--user is not a ULID"),
    (["--user", "0" * 26, "--track", "I" * 26, "--reason", "logout"], "--track is not a ULID"),
    (["--user", "0" * 26, "--track", "*", "--reason", "logout"], "--track is not a ULID"),
    (["--user", "0" * 26, "--reason", "Logout"], "--reason is not one of deletion, logout, status_change"),
    (["--user", "0" * 26, "--reason", "logout'; notify x"], "--reason is not one of"),
    (["--user", "0" * 26], "--reason"), (["--reason", "logout"], "--user"), ([], "--user"),
    (["--user", "0" * 26, "--reason", "logout", "--everything"], "--everything"),
])
def test_bad_argument_is_told_and_nothing_is_done(invalidate, cast, arguments, complaint):
    done = invalidate(*arguments)
    assert (done.returncode, done.stdout) == (BAD_ARGUMENTS, "")
    assert complaint in done.stderr
    assert cast.cached() == set(cast.entries)


def test_all_that_is_wrong_with_the_settings_is_told_at_once(invalidate):
    done = invalidate(
        "--user", ulid(), "--reason", "logout", config=False, NOVATUNE_CACHE_URL=f"redis://:{PASSWORD}@", NOVATUNE_CACHE_PREFIX="a:b",
        NOVATUNE_DATABASE_URL=f"password={PASSWORD} nonsense")
    assert (done.returncode, done.stdout) == (BAD_SETTINGS, "")
    for name in ("NOVATUNE_DATABASE_URL", "NOVATUNE_CACHE_URL", "NOVATUNE_CACHE_PREFIX"):
        assert len([line for line in done.stderr.splitlines() if name in line]) == 1


def test_database_is_required(stack, invalidate):
    done = invalidate("--user", ulid(), "--reason", "logout", config=False, NOVATUNE_CACHE_URL=stack["CACHE_URL"])
    assert (done.returncode, done.stdout) == (BAD_SETTINGS, "")
    assert "NOVATUNE_DATABASE_URL" in done.stderr and len(done.stderr.splitlines()) == 1


def test_database_and_cache_are_all_it_needs(stack, invalidate, cast):
    needed = {"NOVATUNE_DATABASE_URL": stack["DATABASE_URL"], "NOVATUNE_CACHE_URL": stack["CACHE_URL"]}
    assert invalidate("--user", cast.owner.id, "--reason", "logout", config=False, **needed).returncode == DONE
    assert cast.cached() == set(cast.entries) - {"owner", "owner's second"}


def test_database_that_is_down_is_told_and_the_shared_cache_emptied(stack, invalidate, cast):
    with stack.stopped("postgres"):
        done = invalidate("--user", cast.owner.id, "--reason", "logout", NOVATUNE_DATABASE_URL=stack["DATABASE_URL"])
        assert cast.cached() == set(cast.entries) - {"owner", "owner's second"}
    assert done.returncode == FAILED
    assert "removed 2 entries" in done.stdout and "the responders were not told" in done.stderr


def test_redis_that_is_down_is_told_and_so_are_the_responders(stack, invalidate, alone, user):
    with stack.stopped("redis"):
        done = invalidate("--user", user.id, "--reason", "logout", NOVATUNE_CACHE_URL=stack["CACHE_URL"])
    assert done.returncode == FAILED
    assert "told the responders" in done.stdout and "was not emptied" in done.stderr
    wait_for(lambda: counted(alone.metrics())["logout"] == 1)


def test_both_down_are_both_told(invalidate):
    password = quote(PASSWORD)
    done = invalidate(
        "--user", ulid(), "--reason", "logout", NOVATUNE_DATABASE_URL=f"postgresql://someone:{password}@127.0.0.1:9/x",
        NOVATUNE_CACHE_URL=f"redis://someone:{password}@127.0.0.1:9/0")
    assert (done.returncode, done.stdout) == (FAILED, "")
    assert "the responders were not told" in done.stderr and "was not emptied" in done.stderr
    assert password not in done.stderr
