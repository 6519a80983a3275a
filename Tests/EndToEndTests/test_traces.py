"""Spans, as a collector gets them and OpenTelemetry's own types read them."""

import time
from urllib.parse import urlsplit

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from harness import fastcgi
from harness.nginx import nginx_with
from harness.recorded import CLOSE, HANG
from harness.ulids import ulid
from harness.waiting import wait_for
from harness.wire import API
from support.collector import Collector, attributes, partial_success

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def ask(responders, user, track):
    """Starts a responder that exports to `collector` and returns it with a function that asks for a URL."""

    def start(collector, ratio="1", **settings):
        responder = responders().start_on_own_sockets(
            NOVATUNE_OTLP_ENDPOINT=getattr(collector, "endpoint", collector), NOVATUNE_OTLP_SAMPLE_RATIO=ratio,
            **settings)

        def call(track_id=track.id, token=user.token, **parameters):
            return responder._exchange(
                responder.stream_socket, fastcgi.stream_request(track_id, token) | parameters)

        return responder, call

    return start


def exported(responder):
    return responder.metrics()["novatune_trace_spans_exported_total"]


def dropped(responder, reason):
    return responder.metrics()[f'novatune_trace_spans_dropped_total{{reason="{reason}"}}']


def server_of(url):
    address = urlsplit(url)
    return {"server.address": address.hostname, "server.port": address.port}


def test_miss_is_a_trace_with_a_span_for_each_dependency(ask, stack, track):
    before = time.time_ns()
    with Collector() as collector:
        _, call = ask(collector, NOVATUNE_CACHE_URL=stack["CACHE_URL"])
        assert call(HTTP_TRACEPARENT=f"00-{TRACE}-{PARENT}-01")[0] == 200
        root = collector.wait_for("stream.get_url")
        collector.wait_for("cache.set")
        spans = {span.name: span for span in collector.spans()}
        assert set(spans) == {
            "stream.get_url", "db.authorize", "cache.get", "storage.head", "storage.presign", "cache.set"}
        assert root.trace_id.hex() == TRACE and root.parent_span_id.hex() == PARENT
        assert root.kind == Span.SPAN_KIND_SERVER
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
        correlated = {"novatune.correlation_id": "inherited"}
        assert attributes(spans["db.authorize"]) == correlated | {
            "db.system.name": "postgresql", "db.operation.name": "SELECT",
            "server.address": f"{stack['PG_DIR']}/.s.PGSQL.{stack['PG_PORT']}"}
        cache = correlated | {"db.system.name": "redis"} | server_of(stack["CACHE_URL"])
        assert attributes(spans["cache.get"]) == cache | {"db.operation.name": "GET", "novatune.cache_hit": False}
        assert attributes(spans["cache.set"]) == cache | {"db.operation.name": "PIPELINE"}
        # Neither the object's key nor a query.
        assert attributes(spans["storage.head"]) == correlated | server_of(stack["S3_ENDPOINT"]) | {
            "http.request.method": "HEAD", "http.response.status_code": 200,
            "url.full": f"{stack['S3_ENDPOINT']}/{stack['S3_BUCKET']}/REDACTED"}
        assert attributes(spans["storage.presign"]) == correlated
        resource = next(collector.messages()).resource_spans[0]
        names = attributes(resource.resource)
        assert names["service.name"] == "novatune-streamd" and set(names) == {
            "service.name", "service.version", "service.instance.id"}
        assert resource.scope_spans[0].scope.name == "novatune-streamd"


def test_servers_of_the_other_kind_are_named(ask, stack):
    """The database by TCP, the cache by a unix socket."""
    with Collector() as collector:
        _, call = ask(
            collector, NOVATUNE_CACHE_URL=stack["CACHE_URL_UNIX"], NOVATUNE_DATABASE_URL=stack["DATABASE_URL"])
        assert call()[0] == 200
        query, read = (attributes(collector.wait_for(name)) for name in ("db.authorize", "cache.get"))
        assert server_of(stack["DATABASE_URL"]).items() <= query.items()
        assert read["server.address"] == stack["CACHE_URL_UNIX"].removeprefix("unix:") and "server.port" not in read


def test_caller_s_state_is_kept_on_every_span(ask):
    with Collector() as collector:
        _, call = ask(collector)
        state = "rojo=00f067aa0ba902b7, congo=t61rcWkgMzE"
        assert call(HTTP_TRACEPARENT=f"00-{TRACE}-{PARENT}-01", HTTP_TRACESTATE=state)[0] == 200
        collector.wait_for("cache.set")
        collector.wait_for("stream.get_url")
        assert {span.trace_state for span in collector.spans()} == {"rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"}


@pytest.mark.parametrize("state", ["secret-token", "Rojo=1", "a=1,a=2", ",".join(f"k{n}=1" for n in range(33))])
def test_state_that_is_invalid_or_has_no_parent_is_dropped(ask, state):
    with Collector() as collector:
        _, call = ask(collector)
        assert call(HTTP_TRACEPARENT=f"00-{TRACE}-{PARENT}-01", HTTP_TRACESTATE=state)[0] == 200
        assert call(HTTP_TRACESTATE="rojo=1")[0] == 200
        wait_for(lambda: len([span for span in collector.spans() if span.name == "stream.get_url"]) == 2)
        assert {span.trace_state for span in collector.spans()} == {""}


def test_state_passes_through_nginx(stack, tmp_path, ask, user, track):
    with Collector() as collector:
        responder, _ = ask(collector, ratio="0")
        with nginx_with(stack, tmp_path, STREAM_SOCKETS=f"unix:{responder.stream_socket}") as port:
            assert API(f"http://127.0.0.1:{port}").stream(
                track.id, user.token, {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "rojo=1"}).status == 200
        assert collector.wait_for("stream.get_url").trace_state == "rojo=1"


# Variables of OpenTelemetry


@pytest.fixture
def with_variables(responders, user, track):
    """Starts a responder with the variables of other services, and returns it with a function that asks for a URL."""

    def start(**settings):
        responder = responders().start_on_own_sockets(**settings)
        return responder, lambda **parameters: responder._exchange(
            responder.stream_socket, fastcgi.stream_request(track.id, user.token) | parameters)

    return start


def test_variables_of_other_services_are_read(with_variables):
    with Collector() as collector:
        _, call = with_variables(
            OTEL_EXPORTER_OTLP_ENDPOINT=f"{collector.endpoint}/", OTEL_SERVICE_NAME="audio",
            OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=a%2Cb,service.instance.id=pod-1,service.name=other",
            OTEL_TRACES_SAMPLER="always_on")
        # Not followed, as always_on without parentbased_ means it.
        assert call(HTTP_TRACEPARENT=f"00-{TRACE}-{PARENT}-00")[0] == 200
        assert collector.wait_for("stream.get_url").trace_id.hex() == TRACE
        resource = next(collector.messages()).resource_spans[0]
        names = attributes(resource.resource)
        assert names.pop("service.version") and names == {
            "service.name": "audio", "service.instance.id": "pod-1", "deployment.environment.name": "a,b"}
        assert resource.scope_spans[0].scope.name == "novatune-streamd"


def test_endpoint_of_traces_is_used_as_it_is(with_variables):
    with Collector() as collector:
        _, call = with_variables(
            OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{collector.endpoint}/v1/traces",
            OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1", OTEL_TRACES_SAMPLER="parentbased_traceidratio",
            OTEL_TRACES_SAMPLER_ARG="1")
        assert call(HTTP_TRACEPARENT=f"00-{TRACE}-{PARENT}-00")[0] == call()[0] == 200
        assert collector.wait_for("stream.get_url").trace_id.hex() != TRACE


def test_setting_wins_over_the_variables(ask):
    with Collector() as collector:
        responder, call = ask(
            collector, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1", OTEL_SDK_DISABLED="true",
            OTEL_TRACES_SAMPLER="always_off")
        assert call()[0] == 200
        collector.wait_for("stream.get_url")
        assert responder.events(IGNORED) == []


def test_sdk_that_is_disabled_sends_nothing(with_variables):
    with Collector() as collector:
        responder, call = with_variables(
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint, OTEL_TRACES_SAMPLER="always_on", OTEL_SDK_DISABLED="true")
        assert call()[0] == 200
        assert responder.stop() == 0 and collector.requests == []


IGNORED = "environment variable ignored"


def test_variables_that_cannot_be_used_are_named(with_variables, command):
    with Collector() as collector:
        wrong = {
            "OTEL_TRACES_SAMPLER": "jaeger_remote", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
            "OTEL_RESOURCE_ATTRIBUTES": "canary", "OTEL_EXPORTER_OTLP_HEADERS": "api-key=canary"}
        responder, call = with_variables(OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint, **wrong)
        assert {line["variable"] for line in responder.events(IGNORED)} == wrong.keys()
        assert all(line["level"] == "warning" and line["reason"] for line in responder.events(IGNORED))
        assert call(HTTP_TRACEPARENT=f"00-{TRACE}-{PARENT}-01")[0] == 200
        collector.wait_for("stream.get_url")
        checked = command(
            "check", "--settings-only", "--config", responder.config, OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint,
            **wrong)
        lines = [line.split(None, 2) for line in checked.stdout.splitlines()]
        assert {line[0] for line in lines if line[1] == "warning"} >= wrong.keys() and checked.returncode == 0
        assert ["traces", "ok", "to OTEL_EXPORTER_OTLP_ENDPOINT"] in lines
        assert "canary" not in checked.stdout + responder.log()


def test_wait_for_a_worker_is_part_of_the_span_as_of_the_line(ask):
    with Collector() as collector:
        responder, call = ask(collector)
        assert call(RECEIVED_AT=f"{time.time() - 1.5:.3f}")[0] == 200
        root = collector.wait_for("stream.get_url")
        line = responder.wait_for_event("stream url requested")
        duration = (root.end_time_unix_nano - root.start_time_unix_nano) / 1e6
        assert line["duration_ms"] >= 1499 and duration >= 1499
        # They end within the same answer.
        assert root.end_time_unix_nano <= time.time_ns()


def test_missing_object_is_reported_with_its_status(ask, world, user):
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
        wait_for(lambda: [
            span for span in collector.spans() if span.trace_id.hex() == TRACE and span.name == "stream.get_url"])
        mine = [span for span in collector.spans() if span.trace_id.hex() == TRACE]
        assert {span.name for span in mine} == {"stream.get_url", "db.authorize", "cache.get"}
        assert all(attributes(span).get("novatune.cache_hit", True) for span in mine)


@pytest.mark.parametrize("header", ["garbage", f"00-{TRACE}-{PARENT}-00", f"ff-{TRACE}-{PARENT}-01"])
def test_only_a_sampled_parent_causes_sampling(ask, header):
    with Collector() as collector:
        _, call = ask(collector, ratio="0")
        call(HTTP_TRACEPARENT=header)
        call(HTTP_TRACEPARENT=f"00-{TRACE}-{PARENT}-01")
        collector.wait_for("stream.get_url")
        assert {span.trace_id.hex() for span in collector.spans()} == {TRACE}


def test_refusal_is_reported_by_its_slug_and_is_no_failure(ask):
    with Collector() as collector:
        _, call = ask(collector)
        call(token="secret-token")
        root = collector.wait_for("stream.get_url")
        assert attributes(root)["error.type"] == "unauthorized" and attributes(root)["http.response.status_code"] == 401
        assert root.status.code == Status.STATUS_CODE_UNSET and not any(
            b"secret-token" in request.body for request in collector.requests)


def test_request_that_ends_at_its_token_is_one_span_without_children(ask, track):
    with Collector() as collector:
        responder, _ = ask(collector)
        refused = fastcgi.stream_request(track.id, "secret-token") | {
            "REQUEST_URI": f"{track.path}?token=canary", "HTTP_TRACEPARENT": f"00-{TRACE}-{PARENT}-01",
            "ANSWER_IN": "headers"}
        before = time.time_ns()
        assert responder._exchange(responder.stream_socket, refused)[0] == 204
        root = collector.wait_for("stream.get_url")
        assert root.trace_id.hex() == TRACE and root.parent_span_id.hex() == PARENT
        assert root.kind == Span.SPAN_KIND_SERVER
        assert before <= root.start_time_unix_nano < root.end_time_unix_nano <= time.time_ns()
        assert attributes(root) == {
            "http.request.method": "POST", "http.response.status_code": 401, "http.route": "/tracks/{trackId}/stream",
            "error.type": "unauthorized", "novatune.track_id": track.id, "novatune.correlation_id": "inherited"}
        assert root.status.code == Status.STATUS_CODE_UNSET
        assert len(collector.spans()) == 1
        assert not any(
            secret in request.body for request in collector.requests for secret in (b"secret-token", b"canary"))


def test_unreachable_database_fails_the_span(ask):
    with Collector() as collector:
        _, call = ask(collector, NOVATUNE_DATABASE_URL="postgresql://127.0.0.1:1/x", NOVATUNE_DATABASE_TIMEOUT="100ms")
        assert call()[0] == 503
        root = collector.wait_for("stream.get_url")
        query = collector.wait_for("db.authorize")
        assert root.status.code == query.status.code == Status.STATUS_CODE_ERROR and not query.status.message
        assert attributes(root)["error.type"] == attributes(query)["error.type"]
        assert [(event.name, set(attributes(event))) for event in query.events] == [("exception", {"exception.type"})]


@pytest.mark.parametrize("first", [(503, b""), (429, b"", {"Retry-After": "1"}), CLOSE])
def test_collector_that_recovers_loses_nothing(ask, first):
    with Collector(first, (200, b"")) as collector:
        responder, call = ask(collector)
        call()
        wait_for(lambda: exported(responder) == 6, 10)
        before, after = collector.requests[:2]
        assert before.body == after.body
        if first != CLOSE and first[2:]:
            assert after.at - before.at >= 0.99


def test_refused_and_partly_refused_spans_are_counted_and_not_sent_again(ask):
    with Collector((400, b""), (200, partial_success(2))) as collector:
        responder, call = ask(collector)
        call()
        wait_for(lambda: dropped(responder, "rejected") == 6, 10)
        call()
        wait_for(lambda: exported(responder) == 1, 10)
        assert dropped(responder, "rejected") == 8 and len(collector.requests) == 2


@pytest.mark.parametrize("answer", [HANG, "refuse"])
def test_unreachable_collector_affects_no_request(ask, responders, user, track, answer):
    plain = responders().start_on_own_sockets()
    plain.ask(track, user.token)
    with Collector(HANG) as collector:
        responder, call = ask(collector if answer == HANG else "http://127.0.0.1:1")
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


def test_queued_spans_are_sent_at_shutdown(ask):
    with Collector() as collector:
        responder, call = ask(collector)
        call()
        responder.process.terminate()
        assert responder.process.wait(20) == 0
        assert len(collector.spans()) == 6
