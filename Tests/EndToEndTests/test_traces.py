"""Spans, as a collector gets them and OpenTelemetry's own types read them."""

import time

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from support import fastcgi_client
from support.collector import Collector, attributes, partial_success
from support.ulids import ulid
from support.waiting import wait_for

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def ask(responders, user, track):
    """Starts a responder that exports to `collector` and returns it with a function that asks for a URL."""

    def start(collector, ratio="1", **settings):
        responder = responders().start_on_own_sockets(
            NOVATUNE_OTLP_ENDPOINT=getattr(collector, "endpoint", collector), NOVATUNE_OTLP_SAMPLE_RATIO=ratio, **settings)

        def call(track_id=track.id, token=user.token, **parameters):
            return responder._exchange(
                responder.stream_socket, fastcgi_client.stream_request(track_id, token) | parameters)

        return responder, call

    return start


def exported(responder):
    return responder.metrics()["trace_spans_exported_total"]


def dropped(responder, reason):
    return responder.metrics()[f'trace_spans_dropped_total{{reason="{reason}"}}']


def test_miss_is_a_trace_with_a_span_for_each_dependency(ask, track):
    before = time.time_ns()
    with Collector() as collector:
        _, call = ask(collector)
        assert call(HTTP_TRACEPARENT=f"00-{TRACE}-{PARENT}-01")[0] == 200
        root = collector.wait_for("stream.get_url")
        collector.wait_for("cache.set")
        spans = {span.name: span for span in collector.spans()}
        assert set(spans) == {"stream.get_url", "db.authorize", "cache.get", "storage.head", "storage.presign", "cache.set"}
        assert root.trace_id.hex() == TRACE and root.parent_span_id.hex() == PARENT and root.kind == Span.SPAN_KIND_SERVER
        assert root.flags & 0x301 == 0x301
        for span in spans.values():
            assert span.trace_id == root.trace_id and len(span.span_id) == 8 and any(span.span_id)
            assert before <= root.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano
            # The answer waits for everything but the write to the cache.
            assert span.end_time_unix_nano <= root.end_time_unix_nano or span.name == "cache.set"
            assert span.end_time_unix_nano <= time.time_ns() and span.status.code == Status.STATUS_CODE_UNSET
            assert span is root or span.name == root.name or span.parent_span_id == root.span_id
        assert attributes(root) == {
            "http.request.method": "POST", "http.response.status_code": 200, "http.route": "/tracks/{trackId}/stream",
            "novatune.track_id": track.id, "novatune.cache_hit": False, "novatune.correlation_id": "inherited"}
        assert attributes(spans["db.authorize"]) == {"db.system.name": "postgresql", "novatune.correlation_id": "inherited"}
        assert attributes(spans["cache.get"])["novatune.cache_hit"] is False
        looked_up = attributes(spans["storage.head"])
        assert looked_up["http.request.method"] == "HEAD" and looked_up["http.response.status_code"] == 200
        resource = next(collector.messages()).resource_spans[0]
        names = attributes(resource.resource)
        assert names["service.name"] == "novatune-streamd" and set(names) == {"service.name", "service.version", "service.instance.id"}
        assert resource.scope_spans[0].scope.name == "novatune-streamd"


def test_wait_for_a_worker_is_part_of_the_span_as_of_the_line(ask):
    with Collector() as collector:
        responder, call = ask(collector)
        assert call(RECEIVED_AT=f"{time.time() - 1.5:.3f}")[0] == 200
        root = collector.wait_for("stream.get_url")
        (line,) = responder.events("stream url requested")
        duration = (root.end_time_unix_nano - root.start_time_unix_nano) / 1e6
        assert line["duration_ms"] >= 1499 and duration >= 1499
        # They end within the same answer.
        assert root.end_time_unix_nano <= time.time_ns()


def test_missing_object_is_told_with_its_status(ask, world, user):
    track = world.track(user, object_key=f"audio/missing/{ulid()}.mp3")
    with Collector() as collector:
        _, call = ask(collector)
        assert call(track.id)[0] == 503
        collector.wait_for("stream.get_url")
        (span,) = [span for span in collector.spans() if span.name == "storage.head"]
        fields = attributes(span)
        assert fields["http.response.status_code"] == 404 and fields["error.type"] == "missing_object"
        assert span.status.code == Status.STATUS_CODE_ERROR


def test_hit_neither_looks_up_nor_signs(ask):
    with Collector() as collector:
        _, call = ask(collector)
        call()
        call(HTTP_TRACEPARENT=f"00-{TRACE}-{PARENT}-01")
        wait_for(lambda: [span for span in collector.spans() if span.trace_id.hex() == TRACE and span.name == "stream.get_url"])
        mine = [span for span in collector.spans() if span.trace_id.hex() == TRACE]
        assert {span.name for span in mine} == {"stream.get_url", "db.authorize", "cache.get"}
        assert all(attributes(span).get("novatune.cache_hit", True) for span in mine)


@pytest.mark.parametrize("header", ["garbage", f"00-{TRACE}-{PARENT}-00", f"ff-{TRACE}-{PARENT}-01"])
def test_only_a_parent_that_is_sampled_samples(ask, header):
    with Collector() as collector:
        _, call = ask(collector, ratio="0")
        call(HTTP_TRACEPARENT=header)
        call(HTTP_TRACEPARENT=f"00-{TRACE}-{PARENT}-01")
        collector.wait_for("stream.get_url")
        assert {span.trace_id.hex() for span in collector.spans()} == {TRACE}


def test_refusal_is_told_by_its_slug_and_is_no_failure(ask):
    with Collector() as collector:
        _, call = ask(collector)
        call(token="secret-token")
        root = collector.wait_for("stream.get_url")
        assert attributes(root)["error.type"] == "unauthorized" and attributes(root)["http.response.status_code"] == 401
        assert root.status.code == Status.STATUS_CODE_UNSET and not any(b"secret-token" in body for _, _, body in collector.requests)


def test_request_that_ends_at_its_token_is_one_span_without_children(ask, track):
    with Collector() as collector:
        responder, _ = ask(collector)
        refused = fastcgi_client.stream_request(track.id, "secret-token") | {
            "REQUEST_URI": f"{track.path}?token=canary", "HTTP_TRACEPARENT": f"00-{TRACE}-{PARENT}-01", "ANSWER_IN": "headers"}
        before = time.time_ns()
        assert responder._exchange(responder.stream_socket, refused)[0] == 204
        root = collector.wait_for("stream.get_url")
        assert root.trace_id.hex() == TRACE and root.parent_span_id.hex() == PARENT and root.kind == Span.SPAN_KIND_SERVER
        assert before <= root.start_time_unix_nano < root.end_time_unix_nano <= time.time_ns()
        assert attributes(root) == {
            "http.request.method": "POST", "http.response.status_code": 401, "http.route": "/tracks/{trackId}/stream",
            "error.type": "unauthorized", "novatune.track_id": track.id, "novatune.correlation_id": "inherited"}
        assert root.status.code == Status.STATUS_CODE_UNSET
        assert len(collector.spans()) == 1
        assert not any(secret in body for _, _, body in collector.requests for secret in (b"secret-token", b"canary"))


def test_database_that_is_gone_fails_the_span(ask):
    with Collector() as collector:
        _, call = ask(collector, NOVATUNE_DATABASE_URL="postgresql://127.0.0.1:1/x", NOVATUNE_DATABASE_TIMEOUT="100ms")
        assert call()[0] == 503
        root = collector.wait_for("stream.get_url")
        query = collector.wait_for("db.authorize")
        assert root.status.code == query.status.code == Status.STATUS_CODE_ERROR and not query.status.message
        assert attributes(root)["error.type"] == attributes(query)["error.type"]
        assert [(event.name, set(attributes(event))) for event in query.events] == [("exception", {"exception.type"})]


@pytest.mark.parametrize("first", [(503, {}, b""), (429, {"Retry-After": "1"}, b""), "close"])
def test_collector_that_recovers_loses_nothing(ask, first):
    with Collector(first, (200, {}, b"")) as collector:
        responder, call = ask(collector)
        call()
        wait_for(lambda: exported(responder) == 6, 10)
        assert collector.requests[0][2] == collector.requests[1][2]
        if first != "close" and first[1]:
            assert collector.times[1] - collector.times[0] >= 0.99


def test_refused_and_partly_refused_spans_are_counted_and_not_sent_again(ask):
    with Collector((400, {}, b""), (200, {}, partial_success(2))) as collector:
        responder, call = ask(collector)
        call()
        wait_for(lambda: dropped(responder, "rejected") == 6, 10)
        call()
        wait_for(lambda: exported(responder) == 1, 10)
        assert dropped(responder, "rejected") == 8 and len(collector.requests) == 2


@pytest.mark.parametrize("answer", ["hang", "refuse"])
def test_dead_collector_costs_requests_nothing(ask, responders, user, track, answer):
    plain = responders().start_on_own_sockets()
    plain.ask(track, user.token)
    with Collector("hang") as collector:
        responder, call = ask(collector if answer == "hang" else "http://127.0.0.1:1")
        call()
        # One by one, so that whatever else the machine does costs both the same.
        spent = {"plain": 0.0, "traced": 0.0}

        def ask_both():
            for name, request in (("plain", lambda: plain.ask(track, user.token)), ("traced", call)):
                began = time.monotonic()
                assert request()[0] == 200
                spent[name] += time.monotonic() - began

        def until_full():
            for _ in range(50):
                ask_both()
            return dropped(responder, "queue_full")

        wait_for(until_full, 120, "a full queue")
        for _ in range(100):
            ask_both()
        # One batch that a request waited for would cost 10 s or more: that is how long the exporter tries.
        assert spent["traced"] < 3 * spent["plain"] + 5, spent
        assert exported(responder) == 0


def test_what_is_left_is_sent_at_shutdown(ask):
    with Collector() as collector:
        responder, call = ask(collector)
        call()
        responder.process.terminate()
        assert responder.process.wait(20) == 0
        assert len(collector.spans()) == 6
