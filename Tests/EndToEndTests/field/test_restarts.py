"""Redis and PostgreSQL are stopped and started again while requests go on, with the breakers' default settings."""

import time

from harness.traffic import Traffic
from harness.waiting import wait_for
from support.outages import assert_only_200_and_503, requests_for

CLOSED = 0


def breaker(responder, dependency):
    return responder.metrics()[f'novatune_breaker_state{{dependency="{dependency}"}}']


def hits(responder):
    return responder.metrics()["stream_url_cache_hits_total"]


def test_redis_that_is_started_again_is_used_again(stack, responders, front, world, show):
    responder = responders().start_on_own_sockets(NOVATUNE_CACHE_PREFIX="restarts")
    with Traffic(front(responder), requests_for(world, users=40), pause=0.01) as traffic:
        wait_for(lambda: hits(responder) > 100, 20, "hits before the stop")
        with stack.stopped("redis"):
            wait_for(lambda: breaker(responder, "cache") != CLOSED, 20, "the open breaker")
            missed = hits(responder)
            count = traffic.count
            wait_for(lambda: traffic.count > count + 40, 20, "answers without the cache")
            assert hits(responder) == missed
        started = time.monotonic()
        wait_for(lambda: hits(responder) > missed, 60, "a hit after the start")
        used = time.monotonic()
        wait_for(lambda: breaker(responder, "cache") == CLOSED, 60, "the closed breaker")
        wait_for(lambda: hits(responder) > missed + 100, 60, "hits after the start")
    show("Redis: answers again to first hit, default breaker", used - started)
    # A cache that is away costs nothing but speed.
    assert set(traffic.statuses()) == {200}
    assert_only_200_and_503(traffic.samples())
    wait_for(lambda: responder.readiness()["cache"]["status"] == "ok", 20, "the cache")


def test_postgresql_that_is_started_again_is_used_again(stack, responders, front, world, show):
    responder = responders().start_on_own_sockets(NOVATUNE_CACHE_PREFIX="restarts")
    with Traffic(front(responder), requests_for(world, users=40), pause=0.01) as traffic:
        wait_for(lambda: traffic.has_settled(since=0), 20, "200 before the stop")
        with stack.stopped("postgres"):
            stopped = time.monotonic()
            wait_for(lambda: breaker(responder, "database") != CLOSED, 20, "the open breaker")
            wait_for(lambda: traffic.has_seen(503, 20, since=stopped), 20, "503")
            # The cache has the URLs; whether they still hold only the database knows.
            assert set(traffic.statuses(since=stopped)) == {503}
        started = time.monotonic()
        recovered = wait_for(lambda: traffic.recovered_at(started), 60, "200 after the start")
        wait_for(lambda: breaker(responder, "database") == CLOSED, 60, "the closed breaker")
    show("PostgreSQL: answers again to 200, default breaker", recovered - started)
    assert_only_200_and_503(traffic.samples())
    assert set(traffic.statuses(since=recovered)) == {200}
    for name in ("database", "invalidations"):
        wait_for(lambda: responder.readiness()[name]["status"] == "ok", 60, name)
