"""Each dependency goes away and comes back while requests run. Nothing is restarted but the dependency."""

import contextlib
import time

import pytest

from harness.traffic import Traffic
from harness.waiting import concurrently, wait_for
from support.outages import assert_only_200_and_503, requests_for
from support.problems import assert_problem, path

# Short, so that what hangs is given up soon.
IMPATIENT = {"NOVATUNE_DATABASE_TIMEOUT": "300ms", "NOVATUNE_S3_TIMEOUT": "300ms", "NOVATUNE_CACHE_TIMEOUT": "100ms"}


def readiness(api):
    """Of what requests need; invalidations come and go with the database's connections."""
    answer = api.request("GET", "/readyz")
    dependencies = answer.json()["dependencies"]
    return answer.status, {
        name: entry["status"] for name, entry in dependencies.items() if name != "invalidations"}


def is_ready(api):
    return readiness(api)[0] == 200


def outage(api, stack, traffic, component, how, dependency):
    """From 200 to 503 and to 200 again."""
    wait_for(lambda: traffic.has_settled(since=0), what="200 before the outage")
    responder = stack["PID_RESPONDER"]
    with how(component):
        down = time.monotonic()
        wait_for(lambda: traffic.has_seen(503, 20, since=down), what="503")
        wait_for(lambda: readiness(api) == (503, {name: "failed" if name == dependency else "ok" for name in
                                                  ("database", "object_store", "cache", "keys")}),
                                                      what="readyz names it")
    up = time.monotonic()
    wait_for(lambda: traffic.has_settled(since=up), 15, "200 after the outage")
    wait_for(lambda: is_ready(api), what="ready again")
    assert stack["PID_RESPONDER"] == responder and stack.responder_is_running()


def test_requests_are_answered_while_redis_is_stopped_and_started(api, stack, world):
    requests = requests_for(world)
    with Traffic(api, requests, pause=0.01) as traffic:
        wait_for(lambda: traffic.has_settled(since=0))
        with stack.stopped("redis"):
            down = time.monotonic()
            wait_for(lambda: traffic.has_settled(since=down, count=200))
            wait_for(lambda: readiness(api)
                == (200, {"database": "ok", "object_store": "ok", "cache": "failed", "keys": "ok"}))
        up = time.monotonic()
        wait_for(lambda: traffic.has_settled(since=up, count=200))
    assert set(traffic.statuses()) == {200}
    assert_only_200_and_503(traffic.samples())
    wait_for(lambda: readiness(api)[1]["cache"] == "ok")


def test_cache_is_used_again_after_redis_restarts(api, stack, world, user, track, redis):
    api.stream_url(track.id, user.token)
    with stack.stopped("redis"):
        # Each worker loses its connection.
        assert concurrently(30, lambda _: api.stream(track.id, user.token).status) == [200] * 30
    urls = {api.stream_url(track.id, user.token) for _ in range(20)}
    assert len(urls) <= 2, "the cache is not used again"


def test_requests_are_answered_while_redis_hangs(api, stack, world):
    requests = requests_for(world)
    with stack.responder_with(**IMPATIENT), Traffic(api, requests, pause=0.01) as traffic:
        wait_for(lambda: traffic.has_settled(since=0))
        with stack.frozen("redis"):
            down = time.monotonic()
            wait_for(lambda: traffic.has_settled(since=down, count=60), 20)
        up = time.monotonic()
        wait_for(lambda: traffic.has_settled(since=up))
        traffic.stop()
    assert set(traffic.statuses()) == {200}


def test_database_stopped_and_started_while_requests_run(api, stack, world):
    with Traffic(api, requests_for(world), pause=0.02) as traffic:
        outage(api, stack, traffic, "postgres", stack.stopped, "database")
    assert_only_200_and_503(traffic.samples())


def test_database_that_hangs_while_requests_run(api, stack, world):
    requests = requests_for(world)
    with stack.responder_with(**IMPATIENT), Traffic(api, requests, pause=0.02) as traffic:
        outage(api, stack, traffic, "postgres", stack.frozen, "database")
        traffic.stop()
    assert_only_200_and_503(traffic.samples())


def test_store_stopped_and_started_while_requests_run(api, stack, world):
    # Each request for another track, so that none comes from the cache.
    with Traffic(api, requests_for(world, each=40), pause=0.02) as traffic:
        outage(api, stack, traffic, "s3", stack.stopped, "object_store")
    assert_only_200_and_503(traffic.samples())


def test_store_that_hangs_while_requests_run(api, stack, world):
    requests = requests_for(world, each=40)
    with stack.responder_with(**IMPATIENT), Traffic(api, requests, pause=0.02) as traffic:
        outage(api, stack, traffic, "s3", stack.frozen, "object_store")
        traffic.stop()
    assert_only_200_and_503(traffic.samples())


def test_cached_urls_are_served_while_the_store_is_stopped(api, stack, world, user, cached):
    other = world.track(user)
    url = api.stream_url(cached.id, user.token)
    with stack.stopped("s3"):
        assert api.stream_url(cached.id, user.token) == url
        assert_problem(api.stream(other.id, user.token), "service-unavailable", other.path)
    assert api.stream(other.id, user.token).status == 200


def test_cached_urls_are_not_served_while_the_database_is_stopped(api, stack, user, track):
    """The responder cannot know whether they still hold."""
    api.stream_url(track.id, user.token)
    with stack.stopped("postgres"):
        assert_problem(api.stream(track.id, user.token), "service-unavailable", track.path)
    assert api.stream(track.id, user.token).status == 200


@pytest.mark.parametrize("component", ["redis", "postgres", "s3"])
def test_refusals_need_no_store_and_no_cache(api, stack, user, world, component):
    with stack.stopped(component):
        assert api.stream("x", user.token).status == 400
        assert api.stream("x").status == 401
        if component != "postgres":
            theirs = world.track(world.user())
            assert_problem(api.stream(theirs.id, user.token), "forbidden", path(theirs.id))


@contextlib.contextmanager
def requests_waiting(api, stack, world):
    requests = requests_for(world, users=40)
    with Traffic(api, requests, connections=24, rounds=1) as traffic, contextlib.ExitStack() as hanging:
        hanging.enter_context(stack.frozen("postgres"))
        # Those that were answered before the freeze have long gone by; what is left waits.
        wait_for(lambda: (before := len(traffic.samples())) == (time.sleep(0.2), len(traffic.samples()))[1])
        yield
        hanging.close()
        traffic.wait()
    assert_only_200_and_503(traffic.samples())


def test_health_is_answered_while_requests_wait(api, stack, world):
    with requests_waiting(api, stack, world):
        for target in ("/healthz", "/metrics", "/readyz"):
            started = time.monotonic()
            answer = api.request("GET", target, timeout=5)
            assert answer.status == 200 or target == "/readyz"
            assert time.monotonic() - started < 1


def test_tokens_are_refused_while_requests_wait(api, stack, world):
    with requests_waiting(api, stack, world):
        assert api.stream("x", timeout=5).status == 401


def test_request_ends_with_its_own_deadline_before_nginx_gives_up(api, stack, user, track):
    """The store may take 60 s; the request may not: the responder's 503, never nginx's 504."""
    with stack.responder_with(NOVATUNE_S3_TIMEOUT="60s"), stack.frozen("s3"):
        answer = api.stream(track.id, user.token, timeout=20)
    assert_problem(answer, "service-unavailable", track.path)
