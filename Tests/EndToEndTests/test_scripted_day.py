"""A day of a responder, played in seconds: what happened, and what its logs, metrics and spans say of it, number by
number."""

import json
import time
from collections import Counter
from datetime import datetime

from harness import fastcgi
from harness.ulids import ulid
from harness.waiting import wait_for
from support.collector import Collector, attributes
from support.rings import replace, ring

NONE = "-"


class Day:
    """Asks one request after the other, and keeps book."""

    def __init__(self, responder):
        self.responder = responder
        self.expected = []
        # When each request began, by the clock that log lines tell.
        self.began = {}

    def exchange(self, track_id, token, correlation):
        request = fastcgi.stream_request(track_id, token) | {"CORRELATION_ID": correlation}
        return self.responder._exchange(self.responder.stream_socket, request)

    def ask(self, track_id, token, status, outcome, user=None, cache_hit=False):
        correlation = f"day-{ulid()}"
        self.began[correlation] = time.time()
        answer = self.exchange(track_id, token, correlation)
        assert answer[0] == status, answer
        self.expected.append({
            "correlation_id": correlation, "status": status, "outcome": outcome, "cache_hit": cache_hit,
            "user_id": user.id if user else NONE, "track_id": track_id if len(track_id) == 26 else NONE})
        return answer

    def miss(self, track):
        self.ask(track.id, track.owner.token, 200, "issued", track.owner)

    def hit(self, track):
        self.ask(track.id, track.owner.token, 200, "issued", track.owner, cache_hit=True)

    def count(self, **conditions):
        return sum(all(entry[name] == value for name, value in conditions.items()) for entry in self.expected)


def test_logs_metrics_and_spans_agree_with_what_happened(stack, responders, tmp_path, world, mint):
    listener, friend, stranger = world.user(), world.user(), world.stranger()
    first, second, third = (world.track(listener) for _ in range(3))
    foreign, processing = world.track(friend), world.track(listener, status="Processing")
    rings = tmp_path / "ring.json"
    morning = ring("v1", "v1")
    replace(rings, json.dumps(morning))

    with Collector() as collector:
        responder = responders().leave_out("CACHE_KEYS", "LOG_LEVEL").start_on_own_sockets(
            NOVATUNE_CACHE_KEYS_FILE=str(rings), NOVATUNE_CACHE_PREFIX=f"day{ulid().lower()}",
            NOVATUNE_LOG_LEVEL="debug",
            NOVATUNE_OTLP_ENDPOINT=collector.endpoint, NOVATUNE_OTLP_SAMPLE_RATIO="1", NOVATUNE_BREAKER_OPEN="3s",
            NOVATUNE_BREAKER_FAILURES="3", NOVATUNE_S3_TIMEOUT="2s", NOVATUNE_CACHE_TIMEOUT="2s",
            # What is issued in the morning is still good at night, however long the day takes.
            NOVATUNE_PRESIGN_EXPIRY="900s")
        wait_for(lambda: responder.events("invalidation subscriber connected"), 10, "the listener")
        day = Day(responder)

        # Morning: people come, listen, and come back.
        for track in (first, second, third):
            day.miss(track)
        for _ in range(4):
            day.hit(first)
        day.hit(second)

        # Noon: others try.
        for _ in range(3):
            day.ask(foreign.id, listener.token, 403, "forbidden", listener)
        day.ask(first.id, stranger.token, 403, "forbidden", stranger)
        day.ask(processing.id, listener.token, 409, "track-not-ready", listener)
        day.ask(ulid(), listener.token, 404, "track-not-found", listener)
        day.ask("no-ulid", listener.token, 400, "invalid-track-id", listener)
        expired = mint.hs256(listener.id, exp=1)
        for _ in range(2):
            day.ask(first.id, expired, 401, "unauthorized")
        day.ask(first.id, mint.hs256(listener.id, roles=["guest"]), 403, "forbidden", listener)

        # Afternoon: the object store is out. Hits go on; three misses fail by themselves, the others at the breaker,
        # until one of them is logged together with those before it.
        fresh = world.tracks([listener], each=6)
        with stack.stopped("s3"):
            for track in fresh[:5]:
                day.ask(track.id, listener.token, 503, "service-unavailable", listener)
            wait_for(lambda: fail_until_counted(day, fresh[4]), 60, "a line that stands for several failures")
            day.hit(first)
            wait_for(lambda: responder.readiness()["object_store"]["status"] == "failed", 10, "the probe")
        wait_for(lambda: responder.readiness()["object_store"]["status"] == "ok", 20, "the store")
        # The breaker lets one request try once its time is over.
        wait_for(lambda: recover(day, fresh[5]), 30, "the breaker")

        # Evening: the key is rotated, step by step, and the old one removed.
        evening = ring("v2", "v1", "v2", keys=morning["keys"])
        replace(rings, json.dumps(evening))
        responder.wait_for_event("reloaded")
        day.hit(first)
        new = world.track(listener)
        day.miss(new)
        replace(rings, json.dumps(ring("v2", "v2", keys=evening["keys"])))
        responder.wait_for_event("reloaded", 2)
        day.miss(first)
        day.hit(new)

        # Night: every listener logs out.
        stack.sql(f"select novatune.logout_all('{listener.id}', 'the end of the day')")
        wait_for(
            lambda: responder.metrics()['stream_cache_invalidations_total{reason="logout"}'] == 1, 10, "the logout")
        day.ask(first.id, listener.token, 401, "unauthorized", listener)

        check_log(day, responder)
        check_metrics(day, responder)
        check_spans(day, responder, collector)


def fail_until_counted(day, track):
    """One failure more; whether a line stands for more than one by now."""
    day.ask(track.id, track.owner.token, 503, "service-unavailable", track.owner)
    return any("occurrences_since_last" in line for line in day.responder.events("dependency failed"))


def recover(day, track):
    """Whether the store is asked again; a refusal of the breaker belongs to the day, too."""
    correlation = f"day-{ulid()}"
    day.began[correlation] = time.time()
    status = day.exchange(track.id, track.owner.token, correlation)[0]
    day.expected.append({
        "correlation_id": correlation, "status": status,
        "outcome": "issued" if status == 200 else "service-unavailable",
        "cache_hit": False, "user_id": track.owner.id, "track_id": track.id})
    return status == 200


def check_log(day, responder):
    wait_for(lambda: len(responder.events("stream url requested")) == len(day.expected), 10, "the last line")
    lines = responder.events("stream url requested")
    reported = [{name: line.get(name, NONE) for name in day.expected[0]} for line in lines]
    assert reported == day.expected
    assert all(line["level"] == "info" and line["duration_ms"] > 0 and len(line["trace_id"]) == 32 for line in lines)
    issued, hits = day.count(status=200), day.count(cache_hit=True)
    # Written after its request's answer.
    wait_for(lambda: len(responder.events("cache entry stored")) == issued - hits, 10, "the last entry's line")
    events = Counter(line["event"] for line in map(json.loads, responder.log().splitlines()))
    assert events["cache hit"] == hits
    assert events["url presigned"] == events["cache entry stored"] == issued - hits
    # Those that the store was needed for in the afternoon were misses, too.
    assert events["cache miss"] == issued - hits + day.count(status=503)
    assert events["access denied"] == day.count(status=403) and events["track not ready"] == 1
    assert events["breaker opened"] >= 1 and events["breaker closed"] == 1
    for event in ("dependency unhealthy", "dependency recovered"):
        assert sum(line["dependency"] == "object_store" for line in responder.events(event)) == 1
    assert events["reloaded"] == 2 and events["cache invalidated"] == 1
    assert [events[name] for name in ("starting", "ready")] == [1, 1]
    # Each event of a request carries its ids.
    ids = {line["correlation_id"]: line["trace_id"] for line in lines}
    of_requests = [
        "cache hit", "cache miss", "url presigned", "cache entry stored", "cache entry rejected",
        "access denied", "track not ready",
        "dependency failed", "breaker opened", "breaker half-open", "breaker closed"]
    for event in of_requests:
        found = responder.events(event)
        assert found and all(ids[line["correlation_id"]] == line["trace_id"] for line in found), event
    denials = responder.events("access denied")
    assert all("user_id" in line and "correlation_id" in line for line in denials)
    assert sum("owner_id" in line for line in denials) == 3


def check_metrics(day, responder):
    metrics = responder.metrics()
    counted = {name: value for name, value in metrics.items() if name.startswith("stream_url_requests_total") and value}
    expected = Counter(
        f'stream_url_requests_total{{status="{"success" if entry["status"] == 200 else "error"}",code="{entry["status"]}",'
        f'cache_hit="{str(entry["cache_hit"]).lower()}"}}'
        for entry in day.expected)
    assert counted == dict(expected)
    problems = Counter(entry["outcome"] for entry in day.expected if entry["status"] != 200)
    assert {
        name: value for name, value in metrics.items()
        if name.startswith("novatune_stream_url_problems_total") and value} == {
        f'novatune_stream_url_problems_total{{type="{slug}"}}': count for slug, count in problems.items()}
    issued, hits = day.count(status=200), day.count(cache_hit=True)
    assert metrics["stream_url_cache_hits_total"] == hits
    assert metrics["stream_url_presign_generated_total"] == issued - hits
    assert metrics["stream_url_cache_misses_total"] == issued - hits + day.count(status=503)
    # The two expired tokens and the one without the role come no further than the token check, whose microseconds are
    # no issuance.
    checks = {
        name: metrics[f'novatune_token_checks_total{{outcome="{name}"}}']
        for name in ("accepted", "unauthorized", "forbidden")}
    assert checks == {"accepted": len(day.expected) - 3, "unauthorized": 2, "forbidden": 1}
    assert metrics["stream_url_request_duration_ms_count"] == len(day.expected) - 3
    # Two of the misses were sealed by the second key: a new track's, and the first one's again.
    assert metrics['novatune_cache_seals_total{key_version="v2"}'] == 2
    assert metrics['novatune_cache_seals_total{key_version="v1"}'] == issued - hits - 2
    assert metrics['novatune_cache_key_current{key_version="v2"}'] == 1
    assert metrics['novatune_cache_open_failures_total{reason="unknown_key_version"}'] == 1
    assert metrics['novatune_cache_open_failures_total{reason="not_authentic"}'] == 0
    assert metrics['novatune_dependency_errors_total{dependency="object_store",code="breaker_open"}'] >= 2
    assert metrics['novatune_breaker_state{dependency="object_store"}'] == 0 and metrics["novatune_reload_success"] == 1
    # Each request with an accepted token that asks for a track is looked up.
    looked_up = len(day.expected) - sum(entry["user_id"] == NONE for entry in day.expected) - day.count(
        outcome="invalid-track-id") - 1
    assert metrics['novatune_dependency_call_duration_seconds_count{dependency="database"}'] == looked_up
    assert all(
        metrics[f'novatune_readiness{{dependency="{name}"}}'] == 1 for name in ("database", "object_store", "cache", "keys"))


def check_spans(day, responder, collector):
    roots = wait_for(lambda: all_roots(collector, len(day.expected)), 20, "the last span")
    reported = {attributes(span)["novatune.correlation_id"]: span for span in roots}
    assert set(reported) == {entry["correlation_id"] for entry in day.expected}
    # The line and the span of a request are of the same trace.
    traces = {line["correlation_id"]: line["trace_id"] for line in responder.events("stream url requested")}
    assert {correlation: span.trace_id.hex() for correlation, span in reported.items()} == traces
    check_failures(
        day, responder, {correlation: attributes(span).get("error.type") for correlation, span in reported.items()})
    children = Counter((span.trace_id, span.name) for span in collector.spans() if span.parent_span_id)
    ids = {span.trace_id: correlation for correlation, span in reported.items()}
    assert all(attributes(span)["novatune.correlation_id"] == ids[span.trace_id] for span in collector.spans())
    # An object that was found is not looked for again that day.
    found = set()
    for entry in day.expected:
        span = reported[entry["correlation_id"]]
        fields = attributes(span)
        assert fields["http.response.status_code"] == entry["status"]
        names = {name for trace, name in children if trace == span.trace_id}
        if entry["status"] == 200:
            assert fields["novatune.cache_hit"] == entry["cache_hit"]
            steps = {"db.authorize", "cache.get"}
            if not entry["cache_hit"]:
                steps |= {"storage.presign", "cache.set"} | (
                    {"storage.head"} if entry["track_id"] not in found else set())
                found.add(entry["track_id"])
            assert names == steps
        else:
            # A dependency's own word for it says more than that the service is unavailable.
            words = {"connect", "lost", "timeout", "breaker_open"} if entry["status"] == 503 else {entry["outcome"]}
            assert fields["error.type"] in words and "storage.presign" not in names


def check_failures(day, responder, words):
    """Of each kind of failure the first is logged, and after a second the next, with how many came between: none is
    lost, none twice."""
    failed = [entry["correlation_id"] for entry in day.expected if entry["status"] == 503]
    lines = [line for line in responder.events("dependency failed") if line["dependency"] == "object_store"]
    assert any("occurrences_since_last" in line for line in lines)
    assert {line["code"] for line in lines} == {words[correlation] for correlation in failed} >= {"breaker_open"}
    for code in {line["code"] for line in lines}:
        of_code = [correlation for correlation in failed if words[correlation] == code]
        reported = [line for line in lines if line["code"] == code]
        places = [of_code.index(line["correlation_id"]) for line in reported]
        assert places[0] == 0 and "occurrences_since_last" not in reported[0]
        for line, last, place in zip(reported[1:], places, places[1:]):
            assert int(line.get("occurrences_since_last", 0)) == place - last - 1
            # From the beginning of the one request it is longer than between the two lines, and so on any machine;
            # lines have milliseconds.
            logged_at = datetime.fromisoformat(line["timestamp"]).timestamp()
            assert logged_at - day.began[of_code[last]] >= 0.998


def all_roots(collector, count):
    roots = [span for span in collector.spans() if span.name == "stream.get_url"]
    return roots if len(roots) >= count else None
