"""SIGHUP: keys and log level are read again, from the same files."""

import base64
import contextlib
import json
import os
import re
import signal
from pathlib import Path

from harness import canaries
from harness.traffic import Traffic
from harness.waiting import concurrently, wait_for
from support.rings import replace


@contextlib.contextmanager
def file_with(path, text):
    """Replaced atomically, as a deployment would, and put back at the end."""
    before = path.read_text()

    def put(content):
        fresh = path.with_name(path.name + ".fresh")
        fresh.write_text(content)
        fresh.chmod(path.stat().st_mode & 0o777)
        fresh.rename(path)

    put(text)
    try:
        yield
    finally:
        put(before)


def reload(stack, event):
    """The log line that tells how it went."""
    count = stack.log().count(f'"{event}"')
    stack.signal_responder(signal.SIGHUP)
    wait_for(lambda: stack.log().count(f'"{event}"') > count, 5, event)
    return json.loads([line for line in stack.log().splitlines() if f'"{event}"' in line][-1])


def test_sighup_loads_a_new_key_ring_without_losing_a_request(api, stack, world, redis, user, track):
    path = Path(stack["CACHE_KEYS_FILE"])
    ring = json.loads(path.read_text())
    rotated = {"current": "v2", "keys": ring["keys"] | {"v2": base64.b64encode(os.urandom(32)).decode()}}
    canaries.add_key(rotated["keys"]["v2"])
    tracks = world.tracks(world.users(100))
    assert api.stream(track.id, user.token).status == 200
    with Traffic(api, [(each.id, each.owner.token, each) for each in tracks], connections=8, pause=0.01) as traffic:
        with file_with(path, json.dumps(rotated)):
            assert reload(stack, "reloaded")["key_versions"] == "v1 v2"
            fresh = world.track(user)
            assert api.stream(fresh.id, user.token).status == 200
            # Format, length of the key's version, the version.
            assert redis.stored(f"stream:{user.id}:{fresh.id}")[:4] == b"\x01\x02v2"
            # What the old key sealed still opens.
            hits = redis.stored(f"stream:{user.id}:{track.id}")
            assert api.stream(track.id, user.token).status == 200
            assert redis.stored(f"stream:{user.id}:{track.id}") == hits
        reload(stack, "reloaded")
    assert set(traffic.statuses()) <= {200, 429} and None not in traffic.statuses()
    # Sealed by a key that is no longer there: a miss, and no error.
    assert api.stream(fresh.id, user.token).status == 200


def test_sighup_loads_other_token_keys_immediately(api, stack, mint, user, track):
    path = stack.state / "responder.conf"
    text = path.read_text()
    other = "another secret of at least 32 bytes, really"
    canaries.add(other)
    assert api.stream(track.id, user.token).status == 200
    with file_with(path, text.replace(stack["JWT_HS256_SECRET"], other)):
        reload(stack, "reloaded")
        # Also one that was verified, and remembered, before.
        assert api.stream(track.id, user.token).status == 401
        assert api.stream(track.id, mint.hs256(user.id, secret=other.encode())).status == 200
    reload(stack, "reloaded")
    assert api.stream(track.id, user.token).status == 200


def test_sighup_with_an_invalid_file_changes_nothing(api, stack, user, track):
    path = Path(stack["CACHE_KEYS_FILE"])
    with file_with(path, '{"current":"v9","keys":{}}'):
        assert "NOVATUNE_CACHE_KEYS" in reload(stack, "reload refused")["reason"]
        assert concurrently(20, lambda _: api.stream(track.id, user.token).status) == [200] * 20
    reload(stack, "reloaded")


DEBUG_LINES_OF_A_MISS = {"cache miss", "url presigned", "cache entry stored", "stream url requested"}


def events_of(stack, track):
    whole_lines = stack.log().rpartition("\n")[0].splitlines()
    return [json.loads(line)["event"] for line in whole_lines if f'"track_id":"{track.id}"' in line]


def logged_of_a_miss(stack, api, track, expected):
    """Events with its id until there are all that are expected: the entry is stored after the answer."""
    assert api.stream(track.id, track.owner.token).status == 200
    wait_for(lambda: expected <= set(events_of(stack, track)), 10, "the request's lines")
    return set(events_of(stack, track))


def test_sighup_loads_another_log_level(stack, api, world, user):
    path = stack.state / "responder.conf"
    text = path.read_text()
    level = lambda name: re.sub("NOVATUNE_LOG_LEVEL=.*", f"NOVATUNE_LOG_LEVEL={name}", text)
    try:
        with file_with(path, level("debug")):
            assert reload(stack, "reloaded")["log_level"] == "debug"
            logged_of_a_miss(stack, api, world.track(user), DEBUG_LINES_OF_A_MISS)
        with file_with(path, level("info")):
            assert reload(stack, "reloaded")["log_level"] == "info"
            lines = {"stream url requested"}
            assert logged_of_a_miss(stack, api, world.track(user), lines) == lines
        with file_with(path, level("debug")):
            assert reload(stack, "reloaded")["log_level"] == "debug"
            track = world.track(user)
            logged_of_a_miss(stack, api, track, DEBUG_LINES_OF_A_MISS)
            # The thread that listens has the level, too.
            world.set_track(track, "status = 'Deleted'")
            wait_for(lambda: "cache invalidated" in events_of(stack, track), 10, "the listener's line")
    finally:
        reload(stack, "reloaded")


def test_file_that_changes_during_the_start_is_loaded(responders, stack, tmp_path):
    secret, command = tmp_path / "secret", tmp_path / "command"
    secret.write_text("a" * 40)
    # It runs when the secret has been read already.
    command.write_text(
        f"#!/bin/sh\ngrep -q b {secret} || printf %s {'b' * 40} >{secret}\ncat {stack['CACHE_KEYS_FILE']}\n")
    command.chmod(0o700)
    responder = responders().leave_out("CACHE_KEYS", "JWT_HS256_SECRET").start_on_own_sockets(
        NOVATUNE_CACHE_KEYS_COMMAND=str(command), NOVATUNE_JWT_HS256_SECRET_FILE=str(secret))
    responder.wait_for_event("reloaded")


def test_rotated_password_of_the_cache_is_used_without_a_restart(stack, redis, responders, tmp_path):
    former, fresh = "former-password-of-the-cache", "fresh-password-of-the-cache"
    canaries.add(former, fresh)
    path = tmp_path / "cache-url"

    def write(password, place=stack["CACHE_URL"]):
        replace(path, place.replace("redis://", f"redis://rotated:{password}@"))

    def cache(responder):
        return responder.readiness()["cache"]["status"]

    redis("ACL", "SETUSER", "rotated", "reset", "on", f">{former}", "~*", "+@all")
    try:
        write(former)
        responder = responders().leave_out("CACHE_URL").start_on_own_sockets(NOVATUNE_CACHE_URL_FILE=str(path))
        wait_for(lambda: cache(responder) == "ok", 10, "the cache")
        redis("ACL", "SETUSER", "rotated", "resetpass", f">{fresh}")
        redis("CLIENT", "KILL", "USER", "rotated")
        wait_for(lambda: cache(responder) != "ok", 10, "the cache's refusal")
        write(fresh)
        wait_for(lambda: cache(responder) == "ok", 10, "the cache with its new password")
        assert responder.events("setting needs a restart") == []
        write(fresh, "redis://127.0.0.1:1/0")
        assert responder.wait_for_event("setting needs a restart")["setting"] == "NOVATUNE_CACHE_URL"
        assert cache(responder) == "ok"
    finally:
        redis("ACL", "DELUSER", "rotated")
