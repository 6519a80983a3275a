"""Recording rules and alerts, without a server."""

import os
import re
import subprocess

import pytest

from rulefiles import MONITORING, RULE_TESTS, RULES, alert_names, runbook_sections, seen


def promtool(*arguments):
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("file", RULES, ids=lambda file: file.name)
def test_rules_are_valid(file):
    checked = promtool("check", "rules", "--lint-fatal", file)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("file", RULE_TESTS, ids=lambda file: file.name)
def test_rules_pass_their_tests(file):
    tested = promtool("test", "rules", file)
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_alert_names_are_given_once():
    assert len(alert_names()) == len(set(alert_names()))


@pytest.mark.parametrize("alert", alert_names())
def test_each_alert_has_a_test_that_fires_and_one_that_does_not(alert):
    assert alert in seen(fires=True)
    assert alert in seen(fires=False)


def test_each_recording_rule_is_used_by_an_alert_or_the_dashboard():
    text = "\n".join(file.read_text() for file in RULES)
    recorded = re.findall(r"^ +- record: (\S+)$", text, re.MULTILINE)
    uses = set(re.findall(
        r"novatune:\w+:\w+", re.sub(r"- record: \S+", "", text) + (MONITORING / "dashboard.json").read_text()))
    assert recorded
    assert sorted(set(recorded) - uses) == []


@pytest.mark.parametrize("alert", alert_names())
def test_runbook_section_of_each_alert_has_every_part(alert):
    labels = re.findall(r"^- \*\*(.+?)\*\*:? \S", runbook_sections()[alert], re.MULTILINE)
    assert [label for label in labels if label != "Harm"] == ["Means", "Look at", "Do", "It helped when"]


# Configuration

def render(directory, **settings):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MONITORING_")}
    environment |= {f"MONITORING_{name}": value for name, value in settings.items()}
    return subprocess.run(
        [MONITORING / "render", directory], env=environment, capture_output=True, text=True, timeout=20)


GOOD = {
    "defaults": {},
    "TLS": {"SCHEME": "https", "CERTIFICATES": "https://media.example.com/ https://[2001:db8::1]:8443/"},
    "several hosts": {"RESPONDERS": "a.example:80/1 a.example:80/2 [2001:db8::1]:80/1",
        "ACCESS_LOGS": "a.example:3903 b.example:3903"},
    "responders alone": {"ACCESS_LOGS": "", "NGINX_EXPORTERS": ""},
    "revocations": {"REVOKERS": "a.example:80/1 b.example:80/1"},
}


@pytest.mark.parametrize("kind", GOOD)
def test_rendered_configuration_is_valid(tmp_path, kind):
    rendered = render(tmp_path, **GOOD[kind])
    assert rendered.returncode == 0, rendered.stderr
    checked = promtool("check", "config", tmp_path / "prometheus.yml")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    checked = subprocess.run(
        ["prometheus-blackbox-exporter", "--config.check", "--config.file", tmp_path / "blackbox.yml"],
        capture_output=True, timeout=20)
    assert checked.returncode == 0, checked.stderr


BAD = {
    "INTERVAL": ["0s", "15"], "RESPONDERS": ["127.0.0.1:80", "127.0.0.1:80/0", 'x:1/1"]'], "SCHEME": ["ftp"],
    "REVOKERS": ["127.0.0.1:80", "127.0.0.1:80/revoke/1"],
    "AUTHORIZERS": ["127.0.0.1:80", "127.0.0.1:80/authorize/1"],
    "SKIP_VERIFY": ["maybe"],
    "ACCESS_LOGS": ["nohost"], "NGINX_EXPORTERS": ["a.example"], "BLACKBOX": ["9115"],
    "CERTIFICATES": ["http://media.example.com/"],
}


@pytest.mark.parametrize("name, value", [(name, value) for name, values in BAD.items() for value in values])
def test_bad_setting_stops_the_rendering_with_its_name(tmp_path, name, value):
    rendered = render(tmp_path, **{name: value})
    assert rendered.returncode != 0
    assert f"MONITORING_{name}: " in rendered.stderr
    assert not list(tmp_path.iterdir())
