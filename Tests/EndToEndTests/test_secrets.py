"""Runs last: the logs of the whole run contain nothing that no log may contain."""

import json
import re
import secrets
import time
from pathlib import Path

import pytest

from harness import canaries, written
from harness.canaries import all_canaries
from harness.search import Search
from harness.ulids import ulid
from support.world import World

LOGS = ["LOG_FILE", "NGINX_ACCESS_LOG", "NGINX_ERROR_LOG"]


def log(stack, name):
    if name == "NGINX_ERROR_LOG":
        return (stack.state / "log/nginx.log").read_text(errors="replace")
    return stack.log(name)


@pytest.fixture(scope="module")
def every_failure_has_occurred(api, stack, mint, s3, shared_object):
    """Every way for a secret to reach a log, so that this file alone means something. Its user, whose token is in each
    request."""
    world = World(stack, mint, s3, shared_object)
    user = world.user()
    track = world.track(user)
    api.stream(track.id, user.token)
    api.stream(track.id, mint.hs256(user.id, exp=int(time.time()) - 1))
    api.stream(track.id, mint.hs256(user.id, note="x" * 13_000))
    api.stream(track.id, user.token, {"Content-Length": "99999"})
    api.stream(world.track(user, object_key=f"audio/missing/{ulid()}.mp3").id, user.token)
    for component in ("redis", "s3", "postgres"):
        with stack.stopped(component):
            api.stream(track.id, user.token)
            api.stream("x", user.token)
    with stack.stopped("responder"):
        api.stream(track.id, user.token)
    last = f"e2e-{ulid()}"
    api.stream(track.id, user.token, {"X-Correlation-Id": last})
    stack.wait_for_log_line(last, "NGINX_ACCESS_LOG")
    yield user
    world.clean_up()


@pytest.fixture(scope="module")
def search(every_failure_has_occurred):
    """For all secrets that there are by now: the tests that use it run last."""
    return Search(canaries.kinds())


def test_session_token_is_in_the_url_alone(responders, track, user):
    token = secrets.token_urlsafe(300)
    canaries.add(token, kind="S3 session token")
    responder = responders().start_on_own_sockets(
        NOVATUNE_S3_SESSION_TOKEN=token, NOVATUNE_S3_VERIFY="none", NOVATUNE_CACHE_URL="memory:")
    status, body = responder.ask(track, user.token)
    assert status == 200 and b"X-Amz-Security-Token=" + token.encode() in body
    responder.metrics()
    responder.wait_for_event("stream url requested")
    assert token not in responder.log()


def test_nothing_written_holds_a_secret_in_any_form(stack, search):
    """The whole run's logs, error answers, metrics and readiness, each secret in each encoding."""
    assert "NOVATUNE_LOG_LEVEL=trace\n" in (
        stack.state / "responder.conf").read_text(), "start the stack with NOVATUNE_LOG_LEVEL=trace"
    assert len(canaries.kinds()) > 10
    found = written.findings(search, stack)
    assert not found, f"{len(found)} secrets found:\n" + "\n".join(map(str, found[:50]))


def test_a_secret_planted_in_a_log_is_found(search, every_failure_has_occurred, tmp_path):
    token = every_failure_has_occurred.token
    planted = tmp_path / "responder.log"
    planted.write_text("{}\n" + f'{{"message":"{token}"}}\n')
    found = search.findings(planted.name, planted.read_bytes())
    assert "responder.log:2: token" in map(str, found)
    assert token not in repr(found)


def test_no_log_has_the_shape_of_a_secret(stack, every_failure_has_occurred):
    for name in LOGS:
        text = log(stack, name)
        assert text or name == "NGINX_ERROR_LOG"
        assert not written.SHAPE_OF_A_SECRET.search(text.encode()), name


def test_access_log_is_json_without_queries(stack, every_failure_has_occurred):
    lines = log(stack, "NGINX_ACCESS_LOG").splitlines()
    assert lines
    for line in lines:
        entry = json.loads(line)
        assert re.fullmatch(r"[A-Za-z0-9._-]{1,128}", entry["correlationId"])
        assert isinstance(entry["status"], int) and isinstance(entry["seconds"], float)
        assert "?" not in entry["path"]


def test_secrets_are_on_no_command_line(stack):
    command_line = Path(f"/proc/{stack['PID_RESPONDER']}/cmdline").read_bytes().decode()
    assert not [secret for secret in all_canaries() if secret in command_line]
