"""What operators ask: health, readiness, metrics."""

import json
import os
import resource
import signal
import time

import pytest

from harness import fastcgi
from harness.metrics import metrics, parsed
from harness.nginx import nginx_with
from harness.ulids import ulid
from harness.waiting import wait_for
from harness.wire import API
from support.application import Application
from support.problems import assert_problem

PAGES = ["/healthz", "/readyz", "/metrics", "/healthz/1", "/readyz/1", "/metrics/1", "/nginx_status"]


def test_healthz_answers_alive(api):
    answer = api.request("GET", "/healthz")
    assert (answer.status, answer.header("Content-Type")) == (200, "application/json")
    assert answer.header("Cache-Control") == "no-store"


def test_readyz_has_an_entry_for_each_dependency(api):
    answer = api.request("GET", "/readyz")
    assert (answer.status, answer.header("Content-Type")) == (200, "application/json")
    dependencies = answer.json()["dependencies"]
    assert {name: entry["status"] for name, entry in dependencies.items()} == dict.fromkeys(
        ("database", "object_store", "cache", "invalidations", "keys"), "ok")
    assert [name for name, entry in dependencies.items() if entry.get("optional")] == ["cache", "invalidations"]
    # A primary is behind no other server.
    assert "replicaLagMs" not in dependencies["database"]


def test_metrics_are_in_the_prometheus_format(api):
    lines = api.request("GET", "/metrics").body.decode().splitlines()
    typed = {line.split()[2]: line.split()[3] for line in lines if line.startswith("# TYPE ")}
    assert typed
    for line in lines:
        if line.startswith("#"):
            assert line.split()[1] in ("HELP", "TYPE")
            continue
        name, _, value = line.rpartition(" ")
        float(value)
        family = name.split("{")[0]
        assert any(family == known or family.removesuffix(suffix) == known for known in typed
            for suffix in ("_bucket", "_sum", "_count"))


def test_metrics_count_answers(api, user, track):
    before = metrics(api)
    api.stream(track.id, user.token)
    api.stream(track.id, user.token)
    api.stream(ulid(), user.token)
    api.stream(track.id, "garbage")
    after = metrics(api)

    def grown(name):
        return after.get(name, 0) - before.get(name, 0)

    assert grown('stream_url_requests_total{status="success",code="200",cache_hit="false"}') == 1
    assert grown('stream_url_requests_total{status="success",code="200",cache_hit="true"}') == 1
    assert grown('stream_url_requests_total{status="error",code="404",cache_hit="false"}') == 1
    assert grown('stream_url_requests_total{status="error",code="401",cache_hit="false"}') == 1
    assert grown('novatune_stream_url_problems_total{type="unauthorized"}') == 1
    assert grown('novatune_token_checks_total{outcome="unauthorized"}') == 1
    # Of those that were worked on.
    assert grown("stream_url_request_duration_ms_count") == 3


def test_metrics_name_no_user_and_no_track(api, user, track):
    api.stream(track.id, user.token)
    text = api.request("GET", "/metrics").body.decode()
    assert user.id not in text and track.id not in text


@pytest.mark.parametrize("page", PAGES)
def test_operations_are_read_only(api, page):
    assert api.request("HEAD", page).status == 200
    answer = api.request("POST", page)
    assert_problem(answer, "method-not-allowed", page, "Only GET and HEAD are allowed here.")
    assert answer.header("Allow") == "GET, HEAD"


@pytest.mark.parametrize("page", PAGES)
def test_operations_are_for_loopback_and_the_operators_list_only(stack, tmp_path, page):
    settings = {"TRUSTED_PROXIES": "127.0.0.1", "OPERATIONS_ALLOW": "198.51.100.0/24"}
    with nginx_with(stack, tmp_path, **settings) as port:
        api = API(f"http://127.0.0.1:{port}")
        assert api.request("GET", page).status == 200
        assert api.request("GET", page, {"X-Forwarded-For": "198.51.100.7"}).status == 200
        assert_problem(api.request("GET", page, {"X-Forwarded-For": "203.0.113.7"}), "forbidden", page)


def test_two_responders_are_distinguished(stack, tmp_path, responders, user, track):
    """Whatever nginx makes of the requests, each responder reports its own ones."""
    first, second = responders().start_on_own_sockets(), responders().start_on_own_sockets()
    with nginx_with(stack, tmp_path, GATE_SOCKETS=f"unix:{first.gate_socket} unix:{second.gate_socket}") as port:
        api = API(f"http://127.0.0.1:{port}")
        for _ in range(3):
            assert second.ask(track, user.token)[0] == 200
        answers = {number: parsed(api.request("GET", f"/metrics/{number}").body.decode()) for number in (1, 2)}
        assert [answers[number]["stream_url_request_duration_ms_count"] for number in (1, 2)] == [0, 3]
        first.kill()
        assert_problem(api.request("GET", "/readyz/1"), "service-unavailable", "/readyz/1")
        assert api.request("GET", "/readyz/2").status == 200
        assert api.request("GET", "/readyz").status == 200


def test_numbered_page_is_passed_to_its_responder(stack, tmp_path):
    answer = b"Content-Type: text/plain\r\n\r\nsecond"
    with Application(tmp_path / "a.sock", lambda _: None) as a, Application(tmp_path / "b.sock", lambda _: answer) as b:
        with nginx_with(stack, tmp_path, GATE_SOCKETS=f"{a.address} {b.address}") as port:
            api = API(f"http://127.0.0.1:{port}")
            for page in ("/healthz", "/readyz", "/metrics"):
                assert api.request("GET", f"{page}/2?query").body == b"second"
            assert_problem(api.request("GET", "/metrics/3"), "not-found", "/metrics/3")
    assert [request["DOCUMENT_URI"] for request in b.requests] == ["/healthz", "/readyz", "/metrics"]
    assert not a.requests


def test_nginx_reports_its_connections(api):
    answer = api.request("GET", "/nginx_status")
    assert (answer.status, answer.header("Content-Type")) == (200, "text/plain")
    assert answer.body.startswith(b"Active connections: ")


def test_forwarded_address_of_an_untrusted_client_opens_nothing(stack, tmp_path):
    with nginx_with(stack, tmp_path, OPERATIONS_ALLOW="198.51.100.0/24") as port:
        answer = API(f"http://127.0.0.1:{port}").request("GET", "/metrics", {"X-Forwarded-For": "198.51.100.7"})
    assert_problem(answer, "forbidden", "/metrics")


def test_responder_logs_json_lines(stack):
    lines = stack.log().splitlines()
    assert lines
    for line in lines:
        entry = json.loads(line)
        assert {"timestamp", "level", "event"} <= entry.keys()


def audited(stack, answer):
    """The audit trail's line of the request that got this answer."""
    line = stack.wait_for_log_line(answer.header("X-Correlation-Id"))
    return {name: value for name, value in json.loads(line).items()
        if name not in ("timestamp", "correlation_id", "duration_ms")}


REFUSED = {"level": "info", "event": "stream url requested", "cache_hit": False}
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def test_token_that_is_refused_is_in_the_audit_trail(api, stack, track):
    answer = api.stream(track.id, "garbage", {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-00"})
    assert audited(stack, answer) == REFUSED | {
        "track_id": track.id, "outcome": "unauthorized", "reason": "malformed", "status": 401, "trace_id": TRACE}
    assert audited(stack, api.stream("no-ulid", None)) == REFUSED | {
        "outcome": "unauthorized", "reason": "missing", "status": 401}


def test_listener_without_the_role_is_in_the_audit_trail_as_a_warning(api, stack, track, mint):
    answer = api.stream(track.id, mint.hs256(track.owner.id, roles=["guest"]))
    ids = {"user_id": track.owner.id, "track_id": track.id}
    assert audited(stack, answer) == REFUSED | ids | {"outcome": "forbidden", "reason": "no_role", "status": 403}
    wait_for(lambda: [line for line in stack.log().splitlines() if "access denied" in line
        and answer.header("X-Correlation-Id") in line])


def test_unread_log_blocks_no_denial_while_its_buffer_has_room(responders, track, world):
    stranger = world.user()
    responder = responders().start_unread()
    # The pipe holds 64 KiB: the last of these find it full, and the log has room for 256 KiB more.
    for _ in range(130):
        assert responder.ask(track, stranger.token)[0] == 403

    def waits():
        assert responder.ask(track, stranger.token)[0] == 403
        return 0 < responder.metrics()["novatune_log_waiting_bytes"]

    # What is being written does not count as waiting: the full pipe may hold all of the above.
    wait_for(waits, 10, "a line that waits")
    assert responder.metrics()["novatune_log_waiting_bytes"] < 256 * 1024
    assert responder.gate("/readyz")[0] == 200


def fill_log(responder):
    """By tokens that are refused, which waits for no reader."""
    refused = fastcgi.stream_request(ulid(), "garbage")

    def is_full():
        for _ in range(500):
            assert responder._exchange(responder.stream_socket, refused)[0] == 401
        return responder.metrics()["novatune_log_lines_dropped_total"] > 0

    wait_for(is_full, 60, "a full log")
    assert responder.metrics()["novatune_log_waiting_bytes"] >= 256 * 1024


def test_full_unread_log_blocks_neither_requests_nor_reloads_nor_shutdown(responders, track, user):
    responder = responders().start_unread()
    fill_log(responder)
    for _ in range(3):
        assert responder.ask(track, user.token)[0] == 200
    taken = responder.metrics()["novatune_reload_timestamp_seconds"]
    # In whole seconds: a reload within the second of the start would look like the start.
    wait_for(lambda: time.time() >= taken + 1, 10, "the next second")
    responder.process.send_signal(signal.SIGHUP)
    wait_for(lambda: responder.metrics()["novatune_reload_timestamp_seconds"] > taken, 20, "the reload")
    assert responder.gate("/readyz")[0] == 200 and responder.metrics()["novatune_reload_success"] == 1
    responder.process.send_signal(signal.SIGTERM)
    assert responder.process.wait(40) == 0


def test_log_that_cannot_be_written_loses_lines_which_are_counted(responders, track, user, tmp_path):
    """As on a disk that is full: there is room for a part of a line, and then for none, until the test makes some."""

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (16 * 1024, 16 * 1024))

    responder = responders().start(
        preexec=limit, NOVATUNE_LOG_LEVEL="info", NOVATUNE_LISTEN=f"unix:{tmp_path}/stream",
        NOVATUNE_GATE_LISTEN=f"unix:{tmp_path}/gate")
    responder.stream_socket, responder.gate_socket = tmp_path / "stream", tmp_path / "gate"

    def is_full():
        assert responder.ask(track, user.token)[0] == 200
        return responder.metrics()["novatune_log_lines_dropped_total"] >= 3

    wait_for(is_full, 60, "lost lines")
    before = responder.log()
    assert len(before) == 16 * 1024 and not before.endswith("\n")
    assert all(json.loads(line) for line in before.splitlines()[:-1])
    os.truncate(responder.log_file, len(before) - 8 * 1024)
    assert responder.ask(track, user.token)[0] == 200
    # What was torn off ends where it is, and harms no other line.
    torn, *reported = wait_for(lambda: responder.log()[8 * 1024:].splitlines()[1:]
        and responder.log()[8 * 1024:].splitlines(), 10, "the next line")
    assert torn == "" and all(json.loads(line)["event"] for line in reported)


def test_unread_log_delays_no_refusal_of_a_token(responders, track):
    responder = responders().start_unread()
    fill_log(responder)
    assert responder.gate("/healthz")[0] == 200
    started = time.monotonic()
    for _ in range(100):
        assert responder.ask(track, "garbage")[0] == 401
    # A line that waits for the log's reader waits 100 ms.
    assert time.monotonic() - started < 5
