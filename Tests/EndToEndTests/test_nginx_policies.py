"""What nginx decides by itself, and what its settings accept."""

import contextlib
import gzip
import json
import re
import subprocess
import threading
import time
from pathlib import Path

import pytest

from harness.nginx import command, nginx_with, render
from harness.stack import REPOSITORY, environment_with
from harness.ulids import ulid
from harness.waiting import concurrently, wait_for
from harness.wire import API, request_bytes
from support.application import Application, in_headers
from support.problems import assert_problem

ORIGIN = "https://player.example"


@pytest.fixture(scope="module")
def player(stack, tmp_path_factory):
    """An nginx that lets two origins in."""
    with nginx_with(stack, tmp_path_factory.mktemp("cors"), CORS_ORIGINS=f"{ORIGIN} http://localhost:8080") as port:
        yield API(f"http://127.0.0.1:{port}")


def test_preflight_of_an_allowed_origin_is_answered_by_nginx(player, track):
    headers = {
        "Origin": ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    answer = player.stream(track.id, headers=headers, method="OPTIONS")
    assert (answer.status, answer.body) == (204, b"")
    assert answer.header("Access-Control-Allow-Origin") == ORIGIN
    assert answer.header("Access-Control-Allow-Methods") == "POST"
    assert answer.header("Access-Control-Allow-Headers") == "Authorization, X-Correlation-Id, traceparent"
    assert answer.header("Access-Control-Max-Age") == "3600"
    assert answer.header("Access-Control-Allow-Credentials") is None
    assert answer.header("Vary") == "Origin"


@pytest.mark.parametrize("origin", [ORIGIN, "http://localhost:8080"])
def test_answers_to_an_allowed_origin_can_be_read(player, user, track, origin):
    good = player.stream(track.id, user.token, {"Origin": origin})
    bad = player.stream(track.id, headers={"Origin": origin})
    assert (good.status, bad.status) == (200, 401)
    for answer in (good, bad):
        assert answer.header("Access-Control-Allow-Origin") == origin
        assert answer.header(
            "Access-Control-Expose-Headers") == "Retry-After, RateLimit, RateLimit-Policy, X-Correlation-Id, Date"
        assert answer.header("Vary") == "Origin"


@pytest.mark.parametrize(
    "origin", ["https://evil.example", ORIGIN + ".evil.example", ORIGIN.replace("https", "http"), ORIGIN
        + ":8443", "null", ORIGIN + "/"])
def test_any_other_origin_gets_no_permission(player, user, track, origin):
    answer = player.stream(track.id, user.token, {"Origin": origin})
    assert answer.status == 200
    preflight = player.stream(
        track.id, headers={"Origin": origin, "Access-Control-Request-Method": "POST"}, method="OPTIONS")
    assert_problem(preflight, "method-not-allowed", track.path)
    for refused in (answer, preflight):
        assert not [name for name, _ in refused.headers if name.lower().startswith("access-control-")]
        assert refused.header("Vary") == "Origin"


def test_no_origin_is_allowed_by_default(api, user, track):
    answer = api.stream(track.id, user.token, {"Origin": ORIGIN})
    assert answer.status == 200
    assert answer.header("Access-Control-Allow-Origin") is None


@contextlib.contextmanager
def held(stack, directory, count, headers=lambda number: {}, **settings):
    """An nginx whose responder is silent, with `count` requests in work."""
    with Application(directory / "silent.sock", lambda _: None) as responder, contextlib.ExitStack() as connections:
        with nginx_with(stack, directory, STREAM_SOCKETS=responder.address, **settings) as port:
            api = API(f"http://127.0.0.1:{port}")
            for number in range(count):
                connections.enter_context(api.connection()).send(
                    request_bytes("POST", "/tracks/x/stream", headers(number)))
                wait_for(lambda: len(responder.requests) > number)
            yield api, responder


def test_address_with_too_many_requests_is_429_before_the_exchange(stack, tmp_path, track):
    with held(stack, tmp_path, 3, CONNECTIONS_PER_ADDRESS=3) as (api, responder):
        answer = api.stream(track.id)
        assert_problem(answer, "too-many-connections", track.path)
        assert answer.header("Retry-After") == "1"
        assert answer.header("RateLimit") is None and answer.header("RateLimit-Policy") is None
        assert len(responder.requests) == 3


def test_token_with_too_many_requests_is_429_before_the_exchange(stack, tmp_path, mint, user, track):
    # Longer than a key of limit_conn may be.
    token = mint.hs256(user.id, note="x" * 400)
    with held(stack, tmp_path, 2, lambda _: {"Authorization": f"Bearer {token}"}, REQUESTS_PER_TOKEN=2) as (
        api, responder):
        answer = api.stream(track.id, token)
        assert_problem(answer, "too-many-connections", track.path)
        assert answer.header("Retry-After") == "1"
        assert len(responder.requests) == 2
    for log in ("access.log", "error.log"):
        assert token[-43:] not in (tmp_path / log).read_text()


def test_other_tokens_are_unaffected_by_one_with_too_many_requests(stack, tmp_path, mint, user, track):
    with held(stack, tmp_path, 2, lambda _: {"Authorization": f"Bearer {user.token}"}, REQUESTS_PER_TOKEN=2) as (
        api, responder):
        with api.connection() as one, api.connection() as another:
            one.send(request_bytes("POST", track.path, {"Authorization": f"Bearer {mint.hs256(user.id, jti=ulid())}"}))
            another.send(request_bytes("POST", track.path))
            wait_for(lambda: len(responder.requests) == 4)


def test_client_cannot_smuggle_parameters_to_the_responder(stack, tmp_path, user, track):
    with Application(tmp_path / "stream.sock", lambda _: in_headers(200, user=user.id)) as responder:
        with nginx_with(stack, tmp_path, STREAM_SOCKETS=responder.address) as port:
            headers = {
                "Authorization": f"Bearer {user.token}", "X-User-Id": "other", "Request-Method": "GET",
                "Document-Uri": "/healthz",
                "Proxy": "http://evil.example", "X-Correlation-Id": "kept", "traceparent": "00-x", "tracestate": "a=1", "Cookie": "a=b",
                "Answer-In": "body",
                "Rate-Limit-Per-Minute": "1000",
            }
            api = API(f"http://127.0.0.1:{port}")
            assert api.request("POST", track.path + "?query", headers, b"body").body == b"{}"
    (request,) = responder.requests
    # nginx 1.30 always sends it; the responder does not read it.
    request.pop("HTTP_HOST", None)
    assert abs(float(request.pop("RECEIVED_AT")) - time.time()) < 60
    assert request == {
        "REQUEST_METHOD": "POST", "REQUEST_URI": track.path + "?query", "DOCUMENT_URI": track.path,
        "ANSWER_IN": "headers",
        "HTTP_AUTHORIZATION": f"Bearer {user.token}", "HTTP_TRACEPARENT": "00-x", "HTTP_TRACESTATE": "a=1", "CORRELATION_ID": "kept",
        "RATE_LIMIT_PER_MINUTE": "60",
    }


def test_request_without_token_and_trace_passes_neither(stack, tmp_path, track):
    with Application(tmp_path / "stream.sock", lambda _: in_headers(401)) as responder:
        with nginx_with(stack, tmp_path, STREAM_SOCKETS=responder.address) as port:
            assert API(f"http://127.0.0.1:{port}").stream(track.id).status == 401
    (request,) = responder.requests
    assert not request.keys() & {"HTTP_AUTHORIZATION", "HTTP_TRACEPARENT", "HTTP_TRACESTATE"}


def test_gate_receives_no_token(stack, tmp_path, user):
    with Application(tmp_path / "gate.sock", lambda _: b"Content-Type: text/plain\r\n\r\n") as gate:
        with nginx_with(stack, tmp_path, GATE_SOCKETS=gate.address) as port:
            headers = {"Authorization": f"Bearer {user.token}", "X-Correlation-Id": "kept"}
            assert API(f"http://127.0.0.1:{port}").request("GET", "/healthz", headers).status == 200
    (request,) = gate.requests
    request.pop("HTTP_HOST", None)
    assert request == {
        "REQUEST_METHOD": "GET", "REQUEST_URI": "/healthz", "DOCUMENT_URI": "/healthz", "CORRELATION_ID": "kept"}


def test_one_exchange_a_request_on_kept_connections(stack, tmp_path, user, track):
    with Application(tmp_path / "stream.sock", lambda _: in_headers(200, user=user.id)) as responder:
        with nginx_with(stack, tmp_path, STREAM_SOCKETS=responder.address) as port:
            api = API(f"http://127.0.0.1:{port}")
            assert [api.stream(track.id, user.token).status for _ in range(40)] == [200] * 40
    assert len(responder.requests) == 40
    # Each of nginx's two processes keeps its own.
    assert responder.connections <= 2


def test_request_of_a_client_that_hangs_up_is_answered_to_its_end(stack, tmp_path, track):
    """The price of the kept connection (fastcgi_store): nginx does not look whether the client is still there."""
    hung_up = threading.Event()

    def answer(_):
        hung_up.wait(10)
        return in_headers(401)

    with Application(tmp_path / "stream.sock", answer) as responder:
        with nginx_with(stack, tmp_path, STREAM_SOCKETS=responder.address) as port:
            with API(f"http://127.0.0.1:{port}").connection() as client:
                client.send(request_bytes("POST", track.path))
                wait_for(lambda: responder.requests)
            time.sleep(0.2)
            hung_up.set()
            line = wait_for(lambda: (tmp_path / "access.log").read_text())
    assert (json.loads(line)["status"], json.loads(line)["upstreamStatus"]) == (401, "204")


# What nginx makes of the responder's answer.

ANSWER = '{"detail":"\\"quoted\\", $status, \\\\ and é"}'


@contextlib.contextmanager
def answering(stack, directory, answer):
    """An API whose responder gives this CGI answer."""
    with Application(directory / "stream.sock", lambda _: answer) as responder:
        with nginx_with(stack, directory, STREAM_SOCKETS=responder.address) as port:
            yield API(f"http://127.0.0.1:{port}")


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 405, 409, 413, 429, 503])
def test_answer_of_the_responder_is_passed_on_byte_by_byte(stack, tmp_path, track, status):
    user = None if status in (401, 405, 413) else ulid()
    headers = {"Retry_After": "7", "Challenge": 'Bearer realm="x"'} if status in (401, 503) else {}
    with answering(stack, tmp_path, in_headers(status, ANSWER, user, **headers)) as api:
        answer = api.stream(track.id, "x", {"X-Correlation-Id": "kept"})
    assert (answer.status, answer.body.decode()) == (status, ANSWER)
    assert {name: value for name, value in answer.headers if name not in ("Date", "Connection")} == {
        "Server": "nginx", "Content-Length": str(len(ANSWER.encode())), "X-Correlation-Id": "kept",
        "X-Content-Type-Options": "nosniff",
        "Content-Type": "application/json" if status == 200 else "application/problem+json",
        "Cache-Control": "private, no-store" if status == 200 else "no-store",
        **({"WWW-Authenticate": 'Bearer realm="x"'} if status == 401 else {}),
        **({"Retry-After": {429: "1", 503: "7"}[status]} if status in (429, 503) else {}),
        **({"RateLimit": '"stream-url";r=0;t=1'} if status == 429 else {}),
        **({"RateLimit-Policy": '"stream-url";q=60;w=60'} if user else {}),
        **({"Allow": "POST"} if status == 405 else {}),
    }
    assert len(answer.headers) == len(dict(answer.headers))


@pytest.mark.parametrize("status", ["100", "201", "204", "302", "418", "500", "502", "2000", "abc", "200 ", "", None])
def test_status_that_the_responder_may_not_answer_is_500(stack, tmp_path, track, status):
    with answering(stack, tmp_path, in_headers(status, user=ulid())) as api:
        answer = api.stream(track.id, "x")
    if status == "200 ":
        # Space around a value is no part of it (RFC 9110 section 5.5).
        assert answer.status == 200
    else:
        assert_problem(answer, "internal-error", track.path)


def test_responder_that_answers_in_a_body_is_500_and_nothing_is_stored(stack, tmp_path, track):
    """As a program does that does not know ANSWER_IN."""
    with answering(stack, tmp_path, b"Content-Type: application/json\r\nX-User-Id: x\r\n\r\n{}") as api:
        assert_problem(api.stream(track.id, "x"), "internal-error", track.path)
    assert not list(Path("/var/empty").glob("*"))


@pytest.mark.parametrize("length, status", [(60_000, 200), (70_000, 503)])
def test_answer_up_to_60_kb_is_passed_on(stack, tmp_path, track, length, status):
    with answering(stack, tmp_path, in_headers(200, "x" * length, ulid())) as api:
        answer = api.stream(track.id, "x")
    assert answer.status == status
    assert status == 503 or len(answer.body) == length


def test_requests_are_spread_over_several_responders(stack, tmp_path, user, track):
    def answer(_):
        return in_headers(200, user=user.id)

    with Application(tmp_path / "a.sock", answer) as a, Application(tmp_path / "b.sock", answer) as b:
        with nginx_with(stack, tmp_path, STREAM_SOCKETS=f"{a.address} {b.address}") as port:
            api = API(f"http://127.0.0.1:{port}")
            statuses = concurrently(
                20, lambda _: api.request("POST", track.path, {"Authorization": f"Bearer {user.token}"}).status)
    assert sorted(statuses)[-1] == 200, sorted(statuses)
    assert a.requests and b.requests
    assert len(a.requests) + len(b.requests) == 20


def test_unreachable_responder_loses_no_request(stack, tmp_path, user, track):
    with Application(tmp_path / "b.sock", lambda _: in_headers(200, user=user.id)) as b:
        with nginx_with(stack, tmp_path, STREAM_SOCKETS=f"unix:{tmp_path}/a.sock {b.address}") as port:
            api = API(f"http://127.0.0.1:{port}")
            assert [api.stream(track.id, user.token).status for _ in range(40)] == [200] * 40
    assert len(b.requests) == 40


def test_responder_that_ends_in_the_middle_of_a_request_loses_no_request(stack, tmp_path, user, track):
    """It reads the request and closes; the other one is asked the same."""
    with Application(tmp_path / "a.sock", lambda _: Application.CLOSE) as a:
        with Application(tmp_path / "b.sock", lambda _: in_headers(200, user=user.id)) as b:
            with nginx_with(stack, tmp_path, STREAM_SOCKETS=f"{a.address} {b.address}") as port:
                api = API(f"http://127.0.0.1:{port}")
                assert [api.stream(track.id, user.token).status for _ in range(20)] == [200] * 20
                line = wait_for(lambda: [
                    line for line in (tmp_path / "access.log").read_text().splitlines() if "a.sock" in line])[0]
    assert a.requests and len(b.requests) == 20
    logged = json.loads(line)
    assert (logged["status"], logged["userId"], logged["upstreamStatus"]) == (200, user.id, "502, 204")
    assert logged["upstreamAddress"] == f"{a.address}, {b.address}"


def test_player_is_served_with_a_strict_policy(api):
    answer = api.request("GET", "/player/")
    assert answer.status == 200
    assert answer.header("Content-Type") == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.header("Content-Security-Policy")
    assert answer.header("X-Content-Type-Options") == "nosniff"
    assert api.request("GET", "/player").header("Location") == "/player/"


def test_worker_of_the_player_may_reach_the_store_alone(stack, api):
    answer = api.request("GET", "/player/stream-worker.js")
    assert (answer.status, answer.header("Content-Type")) == (200, "text/javascript; charset=utf-8")
    assert answer.header("Content-Security-Policy") == f"default-src 'none'; connect-src 'self' {stack['S3_ENDPOINT']}"
    assert answer.header("Cache-Control") == "no-cache"
    policy = api.request("GET", "/player/").header("Content-Security-Policy")
    assert "worker-src 'self'" in policy and "trusted-types novatune" in policy


@pytest.mark.parametrize("path", ["", "nonce/01KE7WHKNPDC6PY0V7B8B018TT", "stream-worker.js"])
def test_what_only_the_worker_answers_is_404(api, path):
    assert api.request("GET", f"/player/stream/{path}").status == 404


def test_module_for_other_pages_is_small():
    for name, limit in (("stream-source.js", 6 * 1024), ("stream-worker.js", 4 * 1024)):
        assert len(gzip.compress((REPOSITORY / "nginx/html" / name).read_bytes(), 9)) <= limit
    assert len((REPOSITORY / "nginx/html/stream-worker.js").read_text().splitlines()) <= 200


def test_server_header_has_no_version(api):
    assert api.request("GET", "/").header("Server") == "nginx"


# Settings

STORE = {"NOVATUNE_S3_PUBLIC_ENDPOINT": "https://media.example", "NOVATUNE_S3_ENDPOINT": "http://store.internal:9000"}
VIRTUAL = {"NOVATUNE_S3_ADDRESSING": "virtual", "NOVATUNE_S3_BUCKET": "Audio"}
MEDIA_ORIGINS = {
    "the public endpoint": (STORE, "https://media.example"),
    "the only endpoint": ({"NOVATUNE_S3_ENDPOINT": "http://store.internal:9000"}, "http://store.internal:9000"),
    "an empty public endpoint": (STORE | {"NOVATUNE_S3_PUBLIC_ENDPOINT": ""}, "http://store.internal:9000"),
    "virtual addressing": (STORE | VIRTUAL, "https://audio.media.example"),
    "virtual addressing and a port": (
        VIRTUAL | {"NOVATUNE_S3_ENDPOINT": "http://s3.example:9000/"}, "http://audio.s3.example:9000"),
    "upper case and a path": ({"NOVATUNE_S3_ENDPOINT": "HTTPS://S3.Example/Store/"}, "https://s3.example"),
    "the port of https": ({"NOVATUNE_S3_ENDPOINT": "https://s3.example:443/store"}, "https://s3.example"),
    "the port of http": ({"NOVATUNE_S3_ENDPOINT": "http://s3.example:80"}, "http://s3.example"),
    "the port of the other scheme": ({"NOVATUNE_S3_ENDPOINT": "http://s3.example:443"}, "http://s3.example:443"),
    "a port that ends as the default does": ({"NOVATUNE_S3_ENDPOINT": "http://s3.example:8080"}, "http://s3.example:8080"),
    "IPv6": ({"NOVATUNE_S3_ENDPOINT": "http://[2001:DB8::80]"}, "http://[2001:db8::80]"),
    "IPv6 and a port": ({"NOVATUNE_S3_ENDPOINT": "http://[::1]:9000"}, "http://[::1]:9000"),
    "its own setting": (STORE | VIRTUAL | {"MEDIA_ORIGINS": "https://a.example https://b.example"},
                        "https://a.example https://b.example"),
    "its own setting beside a bad endpoint": (
        {"MEDIA_ORIGINS": "https://a.example", "NOVATUNE_S3_ENDPOINT": "s3.example"}, "https://a.example"),
    "nothing": (VIRTUAL, ""),
}


def media_origins(directory):
    """What the rendered policies of the player and of its worker name."""
    policies = (directory / "conf.d/player.inc").read_text()
    return re.findall(r"(?:media-src|connect-src) 'self' ([^;\"]*)", policies)


@pytest.mark.parametrize("kind", MEDIA_ORIGINS)
def test_origin_of_the_audio_is_that_of(stack, tmp_path, kind):
    settings, origins = MEDIA_ORIGINS[kind]
    rendered = render(stack, tmp_path, **settings)
    assert rendered.returncode == 0, rendered.stderr
    assert media_origins(tmp_path) == [origins] * 3


def test_origin_of_the_audio_follows_the_endpoint_of_the_next_render(stack, tmp_path):
    render(stack, tmp_path, **STORE)
    render(stack, tmp_path)
    assert media_origins(tmp_path) == ["https://media.example"] * 3
    render(stack, tmp_path, NOVATUNE_S3_PUBLIC_ENDPOINT="https://other.example")
    assert media_origins(tmp_path) == ["https://other.example"] * 3


@pytest.mark.parametrize("settings, name", [
    ({"NOVATUNE_S3_PUBLIC_ENDPOINT": "media.example"}, "NOVATUNE_S3_PUBLIC_ENDPOINT"),
    ({"NOVATUNE_S3_PUBLIC_ENDPOINT": "ftp://media.example"}, "NOVATUNE_S3_PUBLIC_ENDPOINT"),
    ({"NOVATUNE_S3_PUBLIC_ENDPOINT": "https://media.example; script-src *"}, "NOVATUNE_S3_PUBLIC_ENDPOINT"),
    ({"NOVATUNE_S3_ENDPOINT": "https://user@s3.example"}, "NOVATUNE_S3_ENDPOINT"),
    ({"NOVATUNE_S3_ENDPOINT": "https://s3.example:0"}, "NOVATUNE_S3_ENDPOINT"),
    ({"NOVATUNE_S3_ENDPOINT": "https://s3.example?a"}, "NOVATUNE_S3_ENDPOINT"),
    (STORE | {"NOVATUNE_S3_ADDRESSING": "host"}, "NOVATUNE_S3_ADDRESSING"),
    (STORE | {"NOVATUNE_S3_ADDRESSING": "virtual"}, "NOVATUNE_S3_BUCKET"),
    (STORE | {"NOVATUNE_S3_ADDRESSING": "virtual", "NOVATUNE_S3_BUCKET": "tenant:audio"}, "NOVATUNE_S3_BUCKET"),
    (VIRTUAL | {"NOVATUNE_S3_ENDPOINT": "http://[::1]:9000"}, "NOVATUNE_NGINX_MEDIA_ORIGINS"),
])
def test_endpoint_without_an_origin_stops_the_rendering(stack, tmp_path, settings, name):
    rendered = render(stack, tmp_path, **settings)
    assert rendered.returncode != 0
    (line,) = rendered.stderr.splitlines()
    assert line.startswith(f"nginx settings: {name}: ")


def test_settings_are_derived_in_the_official_image(tmp_path):
    """It runs the file with the shell of Alpine, and its templates read the exported names."""
    environment = environment_with(NOVATUNE_S3_ENDPOINT="HTTPS://S3.example:443/store", NOVATUNE_NGINX_VERSION="1.28.0")
    done = subprocess.run(
        ["sh", "-euc", f". {REPOSITORY}/nginx/settings.envsh; exec printenv NOVATUNE_NGINX_MEDIA_ORIGINS"],
        env=environment, capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stdout) == (0, "https://s3.example\n"), done.stderr


GOOD = {
    "defaults": {}, "rate 1": {"NOVATUNE_RATE_LIMIT_PER_MINUTE": 1},
    "rate 100000": {"NOVATUNE_RATE_LIMIT_PER_MINUTE": 100_000},
    "IPv6": {"LISTEN": "[::1]:18080 18081"}, "origins": {"CORS_ORIGINS": "https://a.example http://b.example:1"},
    "no access log": {"ACCESS_LOG": "off"}, "names": {"SERVER_NAME": "a.example *.b.example"},
    "proxies": {"TRUSTED_PROXIES": "10.0.0.0/8 ::1", "OPERATIONS_ALLOW": "192.0.2.1 2001:db8::/32"},
    "PROXY protocol": {
        "PROXY_PROTOCOL_LISTEN": "18082 [::1]:18082", "LISTEN": "127.0.0.1:18083", "TRUSTED_PROXIES": "10.0.0.0/8"},
    "several responders": {"STREAM_SOCKETS": "unix:/a.sock 127.0.0.1:9000", "GATE_SOCKETS": "unix:/b.sock [::1]:9001"},
    "revocations": {"REVOKE_SOCKETS": "unix:/a.sock 127.0.0.1:9000"},
    "authorisation": {"AUTHORIZE_SOCKETS": "unix:/a.sock 127.0.0.1:9001"},
}


@pytest.mark.parametrize("kind", GOOD)
def test_rendered_configuration_is_valid(stack, tmp_path, kind):
    rendered = render(stack, tmp_path, **GOOD[kind])
    assert rendered.returncode == 0, rendered.stderr
    checked = subprocess.run(command(tmp_path, "-t"), capture_output=True, text=True, timeout=10)
    assert checked.returncode == 0, checked.stderr
    assert "[warn]" not in checked.stderr


BAD = {
    "NOVATUNE_RATE_LIMIT_PER_MINUTE": ["0", "-1", "sixty", "1.5", "100001", "60; }"],
    "NOVATUNE_NGINX_SCHEME": ["ftp"],
    "NOVATUNE_NGINX_LISTEN": ["0", "localhost:80", "80;", "80 ssl"],
    "NOVATUNE_NGINX_TLS": ["old", "modern; }"],
    "NOVATUNE_NGINX_PROXY_PROTOCOL_LISTEN": ["0", "localhost:80", "80", "80 proxy_protocol"],
    "NOVATUNE_NGINX_RESOLVER": ["dns.example", "10.0.0.2; }", "10.0.0.2:0"],
    "NOVATUNE_NGINX_DEFAULT_SERVER": ["yes", "on;"], "NOVATUNE_NGINX_BACKLOG": ["0", "many", "9; }"],
    "NOVATUNE_NGINX_VERSION": ["1.22", "nginx", "1.22.1; }"],
    "NOVATUNE_NGINX_SERVER_NAME": ["a;b", "$host", "~^.*$"],
    "NOVATUNE_NGINX_STREAM_SOCKETS": ["unix:relative.sock", "unix:/a;b", "nohost"],
    "NOVATUNE_NGINX_REVOKE_SOCKETS": ["unix:relative.sock", "nohost"],
    "NOVATUNE_NGINX_AUTHORIZE_SOCKETS": ["unix:relative.sock", "nohost"],
    "NOVATUNE_NGINX_CORS_ORIGINS": ["*", "https://a.example/", "https://a.example/path", 'https://a.example";', "null"],
    "NOVATUNE_NGINX_MEDIA_ORIGINS": ["*", "https://a.example/", "a.example", "https://a.example; script-src"],
    "NOVATUNE_NGINX_OPERATIONS_LOOPBACK": ["no", "127.0.0.1"],
    "NOVATUNE_NGINX_OPERATIONS_ALLOW": ["all", "10.0.0.0/8;", "example.com"],
    "NOVATUNE_NGINX_CONNECTIONS_PER_ADDRESS": ["0", "many"],
    "NOVATUNE_NGINX_REQUESTS_PER_TOKEN": ["0", "-1", "many", "8; }"],
    "NOVATUNE_NGINX_ACCESS_LOG": ["relative.log", '/a";'],
    "NOVATUNE_NGINX_MISSPELLED": ["x"],
}


@pytest.mark.parametrize("name, value", [(name, value) for name, values in BAD.items() for value in values])
def test_bad_setting_stops_the_rendering_with_its_name(stack, tmp_path, name, value):
    rendered = render(stack, tmp_path, **{name: value})
    assert rendered.returncode != 0
    complaints = [line for line in rendered.stderr.splitlines() if name in line]
    assert complaints, rendered.stderr


def test_all_bad_settings_are_reported_together(stack, tmp_path):
    rendered = render(stack, tmp_path, SCHEME="ftp", CONNECTIONS_PER_ADDRESS="0", CORS_ORIGINS="*")
    assert len(rendered.stderr.splitlines()) == 3


def test_settings_of_the_last_render_are_kept_and_shown(stack, tmp_path):
    rate, names = "NOVATUNE_RATE_LIMIT_PER_MINUTE", "NOVATUNE_NGINX_SERVER_NAME"
    first = render(stack, tmp_path, **{rate: "100000", names: "a.example b.example"})
    assert f"{rate}=100000\n" in first.stdout
    second = render(stack, tmp_path, **{names: "c.example"})
    assert f"{rate}=100000: as before\n" in second.stdout
    assert f"{names}=c.example: was a.example b.example\n" in second.stdout
    assert "rate=100000r/m" in (tmp_path / "conf.d/rate-limit.inc").read_text()
    third = render(stack, tmp_path, **{rate: ""})
    assert f"{rate}: default again, was 100000\n" in third.stdout
    assert f"{names}=c.example: as before\n" in third.stdout
    assert "rate=60r/m" in (tmp_path / "conf.d/rate-limit.inc").read_text()
    assert names in (tmp_path / "novatune/settings.env").read_text()
    assert rate not in (tmp_path / "novatune/settings.env").read_text()


def test_reset_forgets_the_settings_of_the_last_render(tmp_path):
    directory, environment = tmp_path / "nginx", environment_with(NOVATUNE_RATE_LIMIT_PER_MINUTE="7")
    subprocess.run([REPOSITORY / "nginx/render", directory], env=environment, check=True, capture_output=True)
    done = subprocess.run(
        [REPOSITORY / "nginx/render", "--reset", directory], env=environment_with(), check=True, capture_output=True,
        text=True)
    assert done.stdout == "NOVATUNE_RATE_LIMIT_PER_MINUTE: default again, was 7\n"
    assert "rate=60r/m" in (directory / "conf.d/rate-limit.inc").read_text()


def test_bad_setting_changes_neither_configuration_nor_record(stack, tmp_path):
    assert render(stack, tmp_path, NOVATUNE_RATE_LIMIT_PER_MINUTE="7").returncode == 0
    before = {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    assert render(stack, tmp_path, NOVATUNE_RATE_LIMIT_PER_MINUTE="0").returncode != 0
    assert {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_record_runs_no_command_and_may_hold_no_bad_value(stack, tmp_path):
    assert render(stack, tmp_path).returncode == 0
    with (tmp_path / "novatune/settings.env").open("a") as record:
        record.write(f"NOVATUNE_NGINX_SERVER_NAME=$(touch {tmp_path}/made)\nNOVATUNE_NGINX_GONE=1\n")
    rendered = render(stack, tmp_path)
    assert rendered.returncode != 0 and "NOVATUNE_NGINX_SERVER_NAME" in rendered.stderr
    assert "NOVATUNE_NGINX_GONE=1" in rendered.stderr and "no setting" in rendered.stderr
    assert not (tmp_path / "made").exists()


def test_configuration_without_record_is_not_reset_silently(stack, tmp_path):
    """As a version has left it that kept none."""
    assert render(stack, tmp_path).returncode == 0
    (tmp_path / "novatune/settings.env").unlink()
    assert "no record of its former settings" in render(stack, tmp_path).stderr


def test_https_needs_its_certificate(stack, tmp_path):
    rendered = render(stack, tmp_path, SCHEME="https")
    assert rendered.returncode != 0
    assert "NOVATUNE_NGINX_CERTIFICATE" in rendered.stderr
