"""What operators ask: health, readiness, metrics."""

import json

import pytest

from support.metrics import metrics
from support.nginx import nginx_with
from support.problems import assert_problem
from support.ulids import ulid
from support.wire import API

PAGES = ["/healthz", "/readyz", "/metrics"]


def test_healthz_says_alive(api):
    answer = api.request("GET", "/healthz")
    assert (answer.status, answer.header("Content-Type")) == (200, "application/json")
    assert answer.header("Cache-Control") == "no-store"


def test_readyz_has_an_entry_for_each_dependency(api):
    answer = api.request("GET", "/readyz")
    assert (answer.status, answer.header("Content-Type")) == (200, "application/json")
    dependencies = answer.json()["dependencies"]
    assert {name: entry["status"] for name, entry in dependencies.items()} == dict.fromkeys(("database", "object_store", "cache", "keys"), "ok")
    assert [name for name, entry in dependencies.items() if entry.get("optional")] == ["cache"]


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
        assert any(family == known or family.removesuffix(suffix) == known for known in typed for suffix in ("_bucket", "_sum", "_count"))


def test_metrics_count_answers(api, user, track):
    before = metrics(api)
    api.stream(track.id, user.token)
    api.stream(track.id, user.token)
    api.stream(ulid(), user.token)
    api.stream(track.id, "garbage")
    after = metrics(api)

    def grown(name):
        return after.get(name, 0) - before.get(name, 0)

    assert grown('stream_url_requests_total{status="200",cache_hit="false"}') == 1
    assert grown('stream_url_requests_total{status="200",cache_hit="true"}') == 1
    assert grown('stream_url_requests_total{status="404",cache_hit="false"}') == 1
    assert grown('token_checks_total{outcome="unauthorized"}') == 1
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


def test_forwarded_address_of_an_untrusted_client_is_ignored(api):
    assert api.request("GET", "/metrics", {"X-Forwarded-For": "203.0.113.7"}).status == 200


def test_responder_logs_json_lines(stack):
    lines = stack.log().splitlines()
    assert lines
    for line in lines:
        entry = json.loads(line)
        assert {"timestamp", "level", "event"} <= entry.keys()
