"""What nginx decides by itself, and what its settings accept."""

import contextlib
import subprocess
import time

import pytest

from support.fastcgi import Application
from support.nginx import command, nginx_with, render
from support.problems import assert_problem
from support.waiting import at_once, wait_for
from support.wire import API, request_bytes

ORIGIN = "https://player.example"


@pytest.fixture(scope="module")
def player(stack, tmp_path_factory):
    """An nginx that lets two origins in."""
    with nginx_with(stack, tmp_path_factory.mktemp("cors"), CORS_ORIGINS=f"{ORIGIN} http://localhost:8080") as port:
        yield API(f"http://127.0.0.1:{port}")


def test_preflight_of_an_allowed_origin_is_answered_by_nginx(player, track):
    headers = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
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
        assert answer.header("Access-Control-Expose-Headers") == "Retry-After, RateLimit, RateLimit-Policy, X-Correlation-Id, Date"
        assert answer.header("Vary") == "Origin"


@pytest.mark.parametrize(
    "origin", ["https://evil.example", ORIGIN + ".evil.example", ORIGIN.replace("https", "http"), ORIGIN + ":8443", "null", ORIGIN + "/"])
def test_any_other_origin_gets_no_permission(player, user, track, origin):
    answer = player.stream(track.id, user.token, {"Origin": origin})
    assert answer.status == 200
    preflight = player.stream(track.id, headers={"Origin": origin, "Access-Control-Request-Method": "POST"}, method="OPTIONS")
    assert_problem(preflight, "method-not-allowed", track.path)
    for refused in (answer, preflight):
        assert not [name for name, _ in refused.headers if name.lower().startswith("access-control-")]
        assert refused.header("Vary") == "Origin"


def test_no_origin_is_allowed_by_default(api, user, track):
    answer = api.stream(track.id, user.token, {"Origin": ORIGIN})
    assert answer.status == 200
    assert answer.header("Access-Control-Allow-Origin") is None


def test_address_with_too_many_requests_is_429_before_the_token_check(stack, tmp_path, track):
    with Application(tmp_path / "silent.sock", lambda _: None) as gate, contextlib.ExitStack() as held:
        with nginx_with(stack, tmp_path, GATE_SOCKETS=gate.address, CONNECTIONS_PER_ADDRESS=3) as port:
            api = API(f"http://127.0.0.1:{port}")
            for number in range(3):
                held.enter_context(api.connection()).send(request_bytes("POST", track.path))
                wait_for(lambda: len(gate.requests) > number)
            answer = api.stream(track.id)
            assert_problem(answer, "too-many-connections", track.path)
            assert answer.header("Retry-After") == "1"
            assert len(gate.requests) == 3


def test_client_cannot_smuggle_parameters_to_the_responder(stack, tmp_path, user, track):
    answer = b"Content-Type: application/json\r\n\r\n{}"
    with Application(tmp_path / "stream.sock", lambda _: answer) as responder:
        with nginx_with(stack, tmp_path, STREAM_SOCKETS=responder.address) as port:
            headers = {
                "Authorization": f"Bearer {user.token}", "X-User-Id": "other", "Request-Method": "GET", "Document-Uri": "/healthz",
                "Proxy": "http://evil.example", "X-Correlation-Id": "kept", "traceparent": "00-x", "Cookie": "a=b",
            }
            api = API(f"http://127.0.0.1:{port}")
            assert api.request("POST", track.path + "?query", headers, b"body").body == b"{}"
    (request,) = responder.requests
    assert abs(float(request.pop("RECEIVED_AT")) - time.time()) < 60
    assert request == {
        "REQUEST_METHOD": "POST", "REQUEST_URI": track.path + "?query", "DOCUMENT_URI": track.path,
        "HTTP_AUTHORIZATION": f"Bearer {user.token}", "HTTP_TRACEPARENT": "00-x", "CORRELATION_ID": "kept",
    }


def test_gate_sees_the_token_and_little_else(stack, tmp_path, user, track):
    with Application(tmp_path / "gate.sock", lambda _: b"Status: 403 Forbidden\r\n\r\n") as gate:
        with nginx_with(stack, tmp_path, GATE_SOCKETS=gate.address) as port:
            assert API(f"http://127.0.0.1:{port}").stream(track.id, user.token, {"X-Correlation-Id": "kept"}, body=b"body").status == 403
    (request,) = gate.requests
    assert request.pop("HTTP_AUTHORIZATION") == f"Bearer {user.token}"
    assert request.pop("CORRELATION_ID") == "kept"
    # For the audit trail.
    assert request.pop("REQUEST_URI") == track.path
    assert request.keys() <= {"REQUEST_METHOD", "DOCUMENT_URI"}


def test_requests_are_spread_over_several_responders(stack, tmp_path, user, track):
    answer = b"Content-Type: application/json\r\n\r\n{}"
    with Application(tmp_path / "a.sock", lambda _: answer) as a, Application(tmp_path / "b.sock", lambda _: answer) as b:
        with nginx_with(stack, tmp_path, STREAM_SOCKETS=f"{a.address} {b.address}") as port:
            api = API(f"http://127.0.0.1:{port}")
            statuses = at_once(20, lambda _: api.request("POST", track.path, {"Authorization": f"Bearer {user.token}"}).status)
    assert sorted(statuses)[-1] == 200, sorted(statuses)
    assert a.requests and b.requests
    assert len(a.requests) + len(b.requests) == 20


def test_player_is_served_with_a_strict_policy(api):
    answer = api.request("GET", "/player/")
    assert answer.status == 200
    assert answer.header("Content-Type") == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.header("Content-Security-Policy")
    assert answer.header("X-Content-Type-Options") == "nosniff"
    assert api.request("GET", "/player").header("Location") == "/player/"


def test_server_says_no_version(api):
    assert api.request("GET", "/").header("Server") == "nginx"


# Settings

GOOD = {
    "defaults": {}, "rate 1": {"NOVATUNE_RATE_LIMIT_PER_MINUTE": 1}, "rate 100000": {"NOVATUNE_RATE_LIMIT_PER_MINUTE": 100_000},
    "IPv6": {"LISTEN": "[::1]:18080 18081"}, "origins": {"CORS_ORIGINS": "https://a.example http://b.example:1"},
    "no access log": {"ACCESS_LOG": "off"}, "names": {"SERVER_NAME": "a.example *.b.example"},
    "proxies": {"TRUSTED_PROXIES": "10.0.0.0/8 ::1", "OPERATIONS_ALLOW": "192.0.2.1 2001:db8::/32"},
    "several responders": {"STREAM_SOCKETS": "unix:/a.sock 127.0.0.1:9000", "GATE_SOCKETS": "unix:/b.sock [::1]:9001"},
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
    "NOVATUNE_NGINX_SERVER_NAME": ["a;b", "$host", "~^.*$"],
    "NOVATUNE_NGINX_STREAM_SOCKETS": ["unix:relative.sock", "unix:/a;b", "nohost"],
    "NOVATUNE_NGINX_CORS_ORIGINS": ["*", "https://a.example/", "https://a.example/path", 'https://a.example";', "null"],
    "NOVATUNE_NGINX_OPERATIONS_ALLOW": ["all", "10.0.0.0/8;", "example.com"],
    "NOVATUNE_NGINX_CONNECTIONS_PER_ADDRESS": ["0", "many"],
    "NOVATUNE_NGINX_ACCESS_LOG": ["relative.log", '/a";'],
    "NOVATUNE_NGINX_MISSPELLED": ["x"],
}


@pytest.mark.parametrize("name, value", [(name, value) for name, values in BAD.items() for value in values])
def test_bad_setting_stops_the_rendering_with_its_name(stack, tmp_path, name, value):
    rendered = render(stack, tmp_path, **{name: value})
    assert rendered.returncode != 0
    complaints = [line for line in rendered.stderr.splitlines() if name in line]
    assert complaints, rendered.stderr


def test_all_bad_settings_are_told_at_once(stack, tmp_path):
    rendered = render(stack, tmp_path, SCHEME="ftp", CONNECTIONS_PER_ADDRESS="0", CORS_ORIGINS="*")
    assert len(rendered.stderr.splitlines()) == 3


def test_https_needs_its_certificate(stack, tmp_path):
    rendered = render(stack, tmp_path, SCHEME="https")
    assert rendered.returncode != 0
    assert "NOVATUNE_NGINX_CERTIFICATE" in rendered.stderr
