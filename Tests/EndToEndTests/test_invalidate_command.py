"""`novatune-streamd invalidate`: for services whose changes the database does not see."""

import subprocess
from urllib.parse import quote

import pytest

from harness import canaries, evidence
from harness.stack import environment_with
from harness.ulids import ulid
from harness.waiting import wait_for
from support.entries import Cast, is_used
from support.invalidations import REASONS, counted

DONE, FAILED, BAD_ARGUMENTS, BAD_SETTINGS = 0, 1, 64, 78
PASSWORD = "a password that no output contains"
canaries.add(PASSWORD, kind="password")


@pytest.fixture
def invalidate(stack):
    """Runs the command with the responder's settings, and others; no output may contain a secret."""

    def invalidate(*arguments, config=True, **settings):
        command = [stack["RESPONDER_BINARY"], "invalidate", *arguments]
        if config:
            command += ["--config", stack.state / "responder.conf"]
        done = subprocess.run(command, env=environment_with(**settings), capture_output=True, text=True, timeout=20)
        output = done.stdout + done.stderr
        evidence.keep("output of invalidate", output.encode())
        assert [secret for secret in [PASSWORD, *canaries.all_canaries()] if secret in output] == []
        return done

    return invalidate


@pytest.fixture
def cast(api, world, redis):
    return Cast(api, world, redis)


def test_one_track_of_a_user_is_removed(invalidate, cast):
    done = invalidate("--user", cast.owner.id, "--track", cast.track.id, "--reason", "deletion")
    assert (done.returncode, done.stderr) == (DONE, "")
    assert cast.cached() == cast.indexed() == set(cast.entries) - {"owner"}


def test_every_track_of_a_user_is_removed(invalidate, cast):
    done = invalidate("--user", cast.owner.id, "--reason", "logout")
    assert (done.returncode, done.stderr) == (DONE, "")
    assert cast.cached() == cast.indexed() == set(cast.entries) - {"owner", "owner's second"}


def test_nothing_to_remove_is_no_error(invalidate, cast):
    done = invalidate("--user", ulid(), "--reason", "logout")
    assert (done.returncode, done.stderr) == (DONE, "")
    assert "removed 0 entries" in done.stdout
    assert cast.cached() == set(cast.entries)


def test_lower_case_ids_are_the_same_user_and_track(invalidate, cast):
    assert invalidate(
        "--user", cast.owner.id.lower(), "--track", cast.track.id.lower(), "--reason", "deletion").returncode == DONE
    assert cast.cached() == set(cast.entries) - {"owner"}


def test_listener_whose_urls_were_removed_gets_a_new_one(invalidate, api, cast, invalidations):
    assert invalidate("--user", cast.owner.id, "--reason", "logout").returncode == DONE
    # A responder that receives it later would remove the new entry.
    invalidations.settle()
    assert api.stream(cast.track.id, cast.owner.token).status == 200
    wait_for(lambda: "owner" in cast.cached(), what="the new entry")


@pytest.mark.parametrize("reason", REASONS)
def test_responders_count_the_reason(invalidate, invalidations, reason):
    assert invalidations.received(lambda: invalidate("--user", ulid(), "--reason", reason)) == dict.fromkeys(REASONS, 0) | {
        reason: 1}


@pytest.fixture
def alone(responders):
    """A responder with a cache of its own, which listens."""
    responder = responders().start_on_own_sockets(NOVATUNE_CACHE_URL="memory:")
    wait_for(lambda: responder.metrics()["novatune_invalidation_subscriber_up"] == 1)
    return responder


@pytest.mark.parametrize("cache", ["memory:", None], ids=["no other cache", "the shared cache"])
def test_caches_inside_responders_are_emptied(invalidate, alone, world, user, cache):
    first, second, third = tracks = world.tracks([user], each=3)
    for track in tracks:
        assert alone.ask(track, user.token)[0] == 200
    settings = {"NOVATUNE_CACHE_URL": cache} if cache else {}
    assert invalidate("--user", user.id, "--track", first.id, "--reason", "deletion", **settings).returncode == DONE
    wait_for(lambda: alone.metrics()["novatune_cache_entries"] == 2)
    assert invalidate("--user", user.id, "--reason", "deletion", **settings).returncode == DONE
    wait_for(lambda: alone.metrics()["novatune_cache_entries"] == 0)


def test_other_prefix_is_another_cache(invalidate, cast):
    """Without a database, so that no responder does it."""
    here, elsewhere = [
        invalidate("--user", cast.owner.id, "--reason", "logout", NOVATUNE_DATABASE_URL="host=/absent",
            NOVATUNE_CACHE_PREFIX=prefix)
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
def test_bad_argument_is_reported_and_changes_nothing(invalidate, cast, arguments, complaint):
    done = invalidate(*arguments)
    assert (done.returncode, done.stdout) == (BAD_ARGUMENTS, "")
    assert complaint in done.stderr
    assert cast.cached() == set(cast.entries)


def test_all_invalid_settings_are_reported_together(invalidate):
    done = invalidate(
        "--user", ulid(), "--reason", "logout", config=False, NOVATUNE_CACHE_URL=f"redis://:{PASSWORD}@",
        NOVATUNE_CACHE_PREFIX="a:b",
        NOVATUNE_DATABASE_URL=f"password={PASSWORD} nonsense")
    assert (done.returncode, done.stdout) == (BAD_SETTINGS, "")
    for name in ("NOVATUNE_DATABASE_URL", "NOVATUNE_CACHE_URL", "NOVATUNE_CACHE_PREFIX"):
        assert len([line for line in done.stderr.splitlines() if name in line]) == 1


def test_database_is_required(stack, invalidate):
    done = invalidate("--user", ulid(), "--reason", "logout", config=False, NOVATUNE_CACHE_URL=stack["CACHE_URL"])
    assert (done.returncode, done.stdout) == (BAD_SETTINGS, "")
    assert "NOVATUNE_DATABASE_URL" in done.stderr and len(done.stderr.splitlines()) == 1


def test_settings_of_database_and_cache_are_sufficient(stack, invalidate, cast):
    needed = {"NOVATUNE_DATABASE_URL": stack["DATABASE_URL"], "NOVATUNE_CACHE_URL": stack["CACHE_URL"]}
    assert invalidate("--user", cast.owner.id, "--reason", "logout", config=False, **needed).returncode == DONE
    assert cast.cached() == set(cast.entries) - {"owner", "owner's second"}


def test_unreachable_database_is_reported_and_the_shared_cache_emptied(stack, invalidate, cast):
    with stack.stopped("postgres"):
        done = invalidate("--user", cast.owner.id, "--reason", "logout", NOVATUNE_DATABASE_URL=stack["DATABASE_URL"])
        assert cast.cached() == set(cast.entries) - {"owner", "owner's second"}
    assert done.returncode == FAILED
    assert "removed 2 entries" in done.stdout and "the responders were not notified" in done.stderr


def test_unreachable_redis_is_reported_and_the_responders_notified(stack, api, world, invalidate, alone, user):
    with stack.stopped("redis"):
        done = invalidate("--user", user.id, "--reason", "logout", NOVATUNE_CACHE_URL=stack["CACHE_URL"])
    assert done.returncode == FAILED
    assert "notified the subscribed responders" in done.stdout and "was not emptied" in done.stderr
    wait_for(lambda: counted(alone.metrics())["logout"] == 1)
    wait_for(lambda: is_used(api, world), 20, "the cache's use by what follows")


def test_both_unreachable_are_both_reported(invalidate):
    password = quote(PASSWORD)
    done = invalidate(
        "--user", ulid(), "--reason", "logout", NOVATUNE_DATABASE_URL=f"postgresql://unknown:{password}@127.0.0.1:9/x",
        NOVATUNE_CACHE_URL=f"redis://unknown:{password}@127.0.0.1:9/0")
    assert (done.returncode, done.stdout) == (FAILED, "")
    assert "the responders were not notified" in done.stderr and "was not emptied" in done.stderr
    assert password not in done.stderr
