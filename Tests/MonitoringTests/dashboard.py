"""The Grafana dashboard, as its file says."""

import json

from rulefiles import MONITORING

DASHBOARD = json.loads((MONITORING / "dashboard.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
# What Grafana puts in place of its variables.
VARIABLES = {"$instance": ".*", "$__rate_interval": "1m", "${datasource}": "prometheus"}


def queries(panel):
    for target in panel["targets"]:
        query = target["expr"]
        for name, value in VARIABLES.items():
            query = query.replace(name, value)
        yield query
