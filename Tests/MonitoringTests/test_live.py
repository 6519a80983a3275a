"""Prometheus on the live stack: every query has an answer."""

import collections
import contextlib
import json
import re
import subprocess
import time

import pytest

from dashboard import PANELS, queries
from harness.nginx import free_port, nginx_with
from harness.responder import Responder
from harness.waiting import wait_for
from harness.wire import API
from prometheus import Prometheus, Refused
from rulefiles import MONITORING

# The contract names this one; promtool would have it in seconds.
FIXED_NAMES = {"stream_url_request_duration_ms metric names should not contain abbreviated units"}


@pytest.fixture(scope="module", autouse=True)
def asked(scenario):
    """Hits, misses, denials, unknown tracks and refusals have been answered."""
    assert scenario.once() == {
        "miss": 200, "hit": 200, "not a ULID": 400, "missing": 404, "not ready": 409, "another's": 403, "no token": 401,
        "expired": 401,
    }
    assert scenario.exceed_an_allowance() == 429


def unanswered(prometheus, questions):
    """Of (name, query): those without a sample now, and those that are no query."""
    empty, refused = [], []
    for name, query in questions:
        try:
            if not prometheus.samples(query):
                empty.append(f"{name}: {query}")
        except Refused as reason:
            refused.append(f"{name}: {query}: {reason}")
    return empty, refused


def assert_answered(prometheus, scenario, questions, seconds=40):
    """A rate wants two scrapes with something between them, so the scenario is played again meanwhile."""
    deadline = time.monotonic() + seconds
    while True:
        empty, refused = unanswered(prometheus, questions)
        assert not refused, "\n".join(["not answered:", *refused])
        if not empty:
            return
        if time.monotonic() >= deadline:
            pytest.fail("\n".join([f"{len(empty)} of {len(questions)} are empty:", *empty]), pytrace=False)
        scenario.once()


def test_all_targets_are_up(prometheus):
    jobs = {target["labels"]["job"] for target in prometheus.targets() if target["health"] == "up"}
    assert jobs == {
        "novatune-responder", "novatune-revoke", "novatune-authorize", "novatune-nginx-answers", "novatune-nginx",
        "novatune-certificates"}


def test_every_query_of_the_dashboard_is_answered(prometheus, scenario):
    assert_answered(prometheus, scenario, [(panel["title"], query) for panel in PANELS for query in queries(panel)])


def test_recording_rules_record(prometheus, scenario):
    recorded = {rule["name"] for rule in prometheus.rules() if rule["type"] == "recording"}
    assert len(recorded) > 30
    assert_answered(prometheus, scenario, [(name, name) for name in sorted(recorded)])


def test_each_rule_is_evaluated(prometheus):
    rules = prometheus.rules()
    wait_for(lambda: all(rule["health"] != "unknown" for rule in prometheus.rules()), 20, "the evaluation of the rules")
    assert not [(rule["name"], rule["lastError"]) for rule in prometheus.rules() if rule["health"] != "ok"]
    _, refused = unanswered(prometheus, [(rule["name"], rule["query"]) for rule in rules])
    assert not refused


def test_each_alert_links_to_its_runbook_section(prometheus):
    alerts = [rule for rule in prometheus.rules() if rule["type"] == "alerting"]
    assert alerts
    for alert in alerts:
        assert alert["labels"]["severity"] in ("critical", "warning"), alert["name"]
        assert alert["annotations"].keys() == {"summary", "description", "runbook"}, alert["name"]
        assert alert["annotations"]["runbook"] == f"doc:Runbook#{alert['name']}"


def test_no_alert_fires_without_a_fault(prometheus):
    assert not prometheus.samples('ALERTS{alertstate="firing"}')


def test_nginx_log_is_counted_as_nginx_answers(stack, prometheus, scenario):
    scenario.once()

    def counted():
        samples = prometheus.samples('nginx_answers_total{route="stream"} > 0')
        return {int(labels["status"]): number for labels, number in samples}

    def logged():
        entries = (json.loads(line) for line in stack.log("NGINX_ACCESS_LOG").splitlines())
        return collections.Counter(
            entry["status"] for entry in entries if re.fullmatch("/tracks/[^/]+/stream", entry["path"]))

    wait_for(lambda: counted() == logged(), 15, "the answers of the log in Prometheus")
    assert {200, 400, 401, 403, 404, 409, 429} <= counted().keys()
    assert prometheus.samples("nginx_rate_limit_refusals_total > 0")
    assert prometheus.samples('nginx_stream_upstream_duration_seconds_bucket{le="+Inf"} > 0')


@pytest.mark.parametrize("page", ["/metrics", "/metrics/1", "/metrics/revoke/1", "/metrics/authorize/1"])
def test_metrics_pass_the_linter_except_the_name_of_the_contract(api, page):
    text = api.request("GET", page).body
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, timeout=20)
    complaints = set((checked.stdout + checked.stderr).decode().splitlines())
    assert complaints - FIXED_NAMES == set()


def test_metrics_of_the_access_log_pass_the_linter(stack):
    port = stack["MTAIL_PORT"]
    lines = API(f"http://127.0.0.1:{port}").request("GET", "/metrics").body.decode().splitlines()
    lines = [line for line in lines if line.startswith(("nginx_", "# HELP nginx_", "# TYPE nginx_"))]
    assert lines
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=20)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_path_cannot_forge_a_status(prometheus, api, scenario):
    api.raw(b'GET /x","status":777,"userId":" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', "GET")
    others = sum(number for _, number in prometheus.samples('nginx_answers_total{route="other",status="404"}'))
    api.request("GET", "/nothing-here")
    wait_for(lambda: sum(
        number for _, number in prometheus.samples('nginx_answers_total{route="other",status="404"}')) > others, 15)
    assert not prometheus.samples('nginx_answers_total{status="777"}')


@contextlib.contextmanager
def prometheus_on(directory, **settings):
    """Another Prometheus, on other targets."""
    port = free_port()
    environment = {"PATH": "/usr/bin:/bin", "MONITORING_INTERVAL": "1s", "MONITORING_ACCESS_LOGS": "",
        "MONITORING_NGINX_EXPORTERS": ""}
    environment |= {f"MONITORING_{name}": value for name, value in settings.items()}
    subprocess.run([MONITORING / "render", directory], env=environment, check=True, timeout=20)
    with open(directory / "log", "wb") as log:
        process = subprocess.Popen(
            ["prometheus", "--config.file", directory / "prometheus.yml", "--storage.tsdb.path", directory / "data",
             "--web.listen-address", f"127.0.0.1:{port}"], stdout=log, stderr=log)
    try:
        yield Prometheus(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(20)


def test_responders_of_one_host_are_distinguished(stack, tmp_path, tmp_path_factory):
    made = [Responder(stack, tmp_path_factory.mktemp("responder")) for _ in range(2)]
    try:
        first, second = (responder.start_on_own_sockets() for responder in made)
        sockets = f"unix:{first.gate_socket} unix:{second.gate_socket}"
        with nginx_with(stack, tmp_path, GATE_SOCKETS=sockets) as port:
            with prometheus_on(tmp_path, RESPONDERS=f"127.0.0.1:{port}/1 127.0.0.1:{port}/2") as prometheus:

                def up():
                    with contextlib.suppress(OSError):
                        return {labels["instance"]: number
                            for labels, number in prometheus.samples('up{job="novatune-responder"}')}

                names = [f"127.0.0.1:{port}/{number}" for number in (1, 2)]
                wait_for(lambda: up() == dict.fromkeys(names, 1), 20, "both responders")
                second.kill()
                wait_for(lambda: up() == {names[0]: 1, names[1]: 0}, 20, "the end of the second")
    finally:
        for responder in made:
            responder.kill()


def test_stopped_responder_fires_an_alert(stack, prometheus):
    with stack.stopped("responder"):
        wait_for(lambda: prometheus.samples('ALERTS{alertname="ResponderDown"}'), 20, "the alert")
    wait_for(lambda: not prometheus.samples('ALERTS{alertname="ResponderDown"}'), 20, "the end of the alert")


def test_top_accepts_a_certificate_of_another_name_with_insecure(stack):
    def top(*arguments):
        command = [
            stack["RESPONDER_BINARY"], "top", "--url", f"{stack['TLS_URL']}/metrics/1", "--count", "1", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    refused, taken = top(), top("--insecure")
    assert refused.returncode == 1 and "certificate" in refused.stderr and refused.stdout == ""
    assert taken.returncode == 0 and "requests/s=" in taken.stdout
