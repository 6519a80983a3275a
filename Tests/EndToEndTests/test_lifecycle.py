"""Many concurrent requests; the responder stops and starts."""

import contextlib
import json
import signal
import socket
import time
from collections import Counter

import pytest

from harness.nginx import nginx_with
from harness.traffic import Traffic
from harness.waiting import concurrently, wait_for
from harness.wire import API
from support.problems import assert_problem, path

# Seconds. The contract says 1; a machine that runs a test suite is slower.
IDLE_EXIT = 2


def own_objects(world, users, each):
    """Tracks with an object for each, so that a URL tells for which track it was made."""
    owners = world.users(users)
    tracks = world.tracks(owners, each, object_key=lambda id: f"audio/own/{id}.mp3")
    concurrently(len(tracks), lambda index: world.put(tracks[index].object_key, tracks[index].id.encode()), 8)
    return [(track.id, track.owner.token, track) for track in tracks]


def test_2000_requests_on_32_connections_each_get_their_own_answer(api, world):
    requests = own_objects(world, users=50, each=4)
    with Traffic(api, requests, connections=32, rounds=10) as traffic:
        traffic.wait()
    assert len(traffic.samples()) == 2000
    for sample in traffic.samples():
        assert sample.status == 200, sample
        body = sample.answer.json()
        assert f"/{sample.tag.object_key}?" in body["streamUrl"]
        assert body["fileSizeBytes"] == sample.tag.size


def test_mixed_requests_on_32_connections_each_get_their_own_answer(api, world, mint):
    """Answers of every kind side by side: no header or body of one may appear in another."""
    owners = world.users(40)
    ready, processing = world.tracks(owners), world.tracks(owners, status="Processing")

    def ask(index):
        place = index % 40
        owner, stranger = owners[place], owners[place - 1]
        expected, track, token = [
            (200, ready[place], owner.token), (409, processing[place], owner.token),
            (403, ready[place], stranger.token),
            (401, ready[place], None), (401, ready[place], "garbage"),
        ][index // 40 % 5]
        sent = f"mixed-{index}"
        answer = api.stream(track.id, token, {"X-Correlation-Id": sent})
        assert answer.status == expected
        assert answer.header("X-Correlation-Id") == sent
        assert (answer.header("WWW-Authenticate") is not None) == (expected == 401)
        if expected == 409:
            assert answer.json()["extensions"]["trackId"] == track.id
        if expected != 200:
            assert answer.json()["instance"] == track.path
        return answer.status

    statuses = concurrently(1000, ask, 32)
    assert {status: statuses.count(status) for status in set(statuses)} == {200: 200, 409: 200, 403: 200, 401: 400}


def test_log_holds_a_line_for_each_answer_when_the_process_has_ended(responders, track, user):
    """Lines are written by a thread of their own, and none is left behind."""
    responder = responders().start_on_own_sockets(NOVATUNE_LOG_LEVEL="info")
    statuses = concurrently(500, lambda index: responder.ask(track, user.token)[0], 8)
    responder.process.send_signal(signal.SIGTERM)
    assert responder.process.wait(20) == 0
    assert statuses == [200] * 500
    lines = [json.loads(line) for line in responder.log().splitlines()]
    assert Counter(line["event"] for line in lines)["stream url requested"] == 500
    assert lines[-1]["event"] == "stopped"


def test_warning_is_in_the_log_soon_after_its_request_is_answered(responders, track, world):
    """What happened last is known, even of a process that is killed a little later: no request waits for the log."""
    stranger = world.user()
    responder = responders().start_on_own_sockets(NOVATUNE_LOG_LEVEL="info")
    for number in range(1, 21):
        assert responder.ask(track, stranger.token)[0] == 403
        wait_for(lambda: len(responder.events("access denied")) == number, 10, "the warning")
        wait_for(lambda: len(responder.events("stream url requested")) == number, 10, "the request's line")
    responder.kill()


def terminated(stack):
    """SIGTERM; seconds until the process is gone."""
    started = time.monotonic()
    stack.signal_responder(signal.SIGTERM)
    wait_for(lambda: not stack.responder_is_running(), 20, "the responder's end")
    return time.monotonic() - started


def test_idle_responder_exits_within_a_second_of_sigterm(api, stack, user, track):
    # Leaves connections that nginx keeps.
    assert concurrently(30, lambda _: api.stream(track.id, user.token).status) == [200] * 30
    try:
        assert terminated(stack) < IDLE_EXIT
    finally:
        stack.stop("responder")
        stack.start("responder")
    assert api.stream(track.id, user.token).status == 200


def test_unanswered_calls_do_not_delay_the_shutdown(responders):
    """They have a minute; what they still hold must neither delay the process's end nor crash it."""
    # The kernel accepts connections, and nothing is read from them.
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        responder = responders().leave_out("DATABASE", "CACHE_URL", "S3_ENDPOINT", "OTLP").start_on_own_sockets(
            NOVATUNE_DATABASE_URL=f"postgresql://user@{address}/novatune", NOVATUNE_DATABASE_TIMEOUT="60s",
            NOVATUNE_CACHE_URL=f"redis://{address}/1", NOVATUNE_CACHE_TIMEOUT="60s",
            NOVATUNE_S3_ENDPOINT=f"https://{address}", NOVATUNE_S3_TIMEOUT="60s",
            NOVATUNE_OTLP_ENDPOINT=f"https://{address}")
        wait_for(
            lambda: all("no answer for" in str(responder.readiness()[name])
                for name in ("database", "cache", "object_store")), 20,
            "calls that hang")
        started = time.monotonic()
        responder.process.send_signal(signal.SIGTERM)
        assert responder.process.wait(20) == 0
    # 1 s for threads, 3 s for spans.
    assert time.monotonic() - started < IDLE_EXIT + 4
    assert json.loads(responder.log().splitlines()[-1])["event"] == "stopped"


def test_sigterm_under_load_finishes_what_was_accepted(api, stack, world):
    owners = world.users(200)
    requests = [(track.id, track.owner.token, track) for track in world.tracks(owners)]
    with Traffic(api, requests, connections=32) as traffic:
        try:
            wait_for(lambda: len(traffic.samples()) > 500, 20)
            stopped_at = time.monotonic()
            seconds = terminated(stack)
            wait_for(lambda: traffic.has_seen(503, since=stopped_at))
            traffic.stop()
        finally:
            stack.stop("responder")
            stack.start("responder")
    for sample in traffic.samples():
        assert sample.error is None, "a request without an answer"
        if sample.status == 200:
            assert sample.tag.object_key in sample.answer.json()["streamUrl"]
        elif sample.status == 503:
            assert_problem(sample.answer, "service-unavailable", path(sample.tag.id))
        else:
            # A user's allowance may be used up by then.
            assert sample.status == 429, sample
        # What was sent well before the signal had reached the responder.
        assert sample.status in (200, 429) or sample.started > stopped_at - 0.2, "an accepted request was lost"
    assert seconds < IDLE_EXIT
    track, token, _ = requests[0]
    wait_for(lambda: api.stream(track, token).status == 200, 70)


def test_restart_under_load_needs_no_change_of_nginx(api, stack, world):
    owners = world.users(100)
    requests = [(track.id, track.owner.token, track) for track in world.tracks(owners)]
    with Traffic(api, requests, connections=4, pause=0.01) as traffic:
        wait_for(lambda: traffic.has_settled(since=0))
        stack.stop("responder")
        stack.start("responder")
        up = time.monotonic()
        wait_for(lambda: traffic.has_settled(since=up, count=100))
    assert set(traffic.statuses()) <= {200, 503}


def is_ready(responder):
    with contextlib.suppress(OSError):
        return responder.gate("/readyz")[0] == 200
    return False


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
def test_rolling_restart_of_two_responders_loses_no_request(stack, tmp_path, responders, world, end):
    pair = [responders().start_on_own_sockets(), responders().start_on_own_sockets()]
    tracks = world.tracks(world.users(200))
    sockets = {
        f"{name.upper()}_SOCKETS": " ".join(f"unix:{getattr(responder, f'{name}_socket')}" for responder in pair)
        for name in ("stream", "gate")}
    with nginx_with(stack, tmp_path, **sockets) as port:
        requests = [(track.id, track.owner.token, track) for track in tracks]
        with Traffic(API(f"http://127.0.0.1:{port}"), requests, connections=8, pause=0.005) as traffic:
            for responder in pair * 2:
                seen = len(traffic.samples())
                responder.process.send_signal(end)
                responder.process.wait(20)
                responder.start_on_own_sockets()
                wait_for(lambda: is_ready(responder), 20, "the responder")
                wait_for(lambda: len(traffic.samples()) > seen + 100)
    assert {sample.status for sample in traffic.samples()} == {200}


def test_killed_responder_can_be_started_again(api, stack, user, track):
    try:
        stack.signal_responder(signal.SIGKILL)
        wait_for(lambda: not stack.responder_is_running())
        assert_problem(api.stream(track.id, user.token), "service-unavailable", track.path)
    finally:
        stack.stop("responder")
        stack.start("responder")
    assert api.stream(track.id, user.token).status == 200
