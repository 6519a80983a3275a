"""The rule files and their tests, as far as the tests here look into them."""

import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
MONITORING = REPOSITORY / "nginx/monitoring"
RULES = sorted((MONITORING / "rules").glob("*.yml"))
RULE_TESTS = sorted((MONITORING / "tests").glob("*.yml"))
RUNBOOK = REPOSITORY / "Sources/novatune-streamd/Documentation.docc/Runbook.md"


def alert_names():
    return [name for file in RULES for name in re.findall(r"^ +- alert: (\w+)$", file.read_text(), re.MULTILINE)]


def runbook_sections():
    """Texts of the runbook's sections by their headings."""
    parts = re.split(r"^#+ (.+)$", RUNBOOK.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def seen(fires):
    """Alerts that some rule test expects to fire, or not to."""
    pattern = r"alertname: (\w+)\n +exp_alerts:\n" if fires else r"alertname: (\w+), exp_alerts: \[\]"
    return {name for file in RULE_TESTS for name in re.findall(pattern, file.read_text())}
