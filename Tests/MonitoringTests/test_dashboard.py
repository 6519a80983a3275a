"""The dashboard's file, without a server."""

import re

import pytest

from dashboard import DASHBOARD, PANELS, queries

ROWS = ["Overview", "Traffic", "Latency", "Cache", "Dependencies", "Keys", "Process", "Revocations", "Authorisation", "nginx"]
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
KINDS = {"stat", "gauge", "timeseries", "heatmap", "state-timeline", "table"}
UNITS = {"short", "none", "percentunit", "ms", "s", "d", "reqps", "ops", "cps", "bytes"}


def identified(panel):
    return panel["title"]


def test_dashboard_is_for_grafana_9_and_10():
    assert DASHBOARD["schemaVersion"] in (37, 38, 39)
    assert (DASHBOARD["id"], DASHBOARD["uid"]) == (None, "novatune-stream")


def test_rows_go_from_the_overview_to_the_details():
    assert [panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"] == ROWS


def test_datasource_and_responder_can_be_chosen():
    variables = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert variables["instance"]["datasource"] == DATASOURCE
    assert variables["instance"]["includeAll"] and variables["instance"]["multi"]


def test_panels_have_ids_of_their_own_and_do_not_overlap():
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    taken = set()
    for panel in DASHBOARD["panels"]:
        position = panel["gridPos"]
        assert position["x"] + position["w"] <= 24
        cells = {(position["x"] + x, position["y"] + y) for x in range(position["w"]) for y in range(position["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("panel", PANELS, ids=identified)
def test_panel_queries_the_chosen_datasource_and_has_a_unit(panel):
    assert panel["type"] in KINDS
    assert panel["datasource"] == DATASOURCE
    assert all(target["datasource"] == DATASOURCE for target in panel["targets"])
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["value"] is None
    refs = [target["refId"] for target in panel["targets"]]
    assert refs and len(refs) == len(set(refs))


@pytest.mark.parametrize("panel", PANELS, ids=identified)
def test_no_variable_is_left_in_its_queries(panel):
    assert not [query for query in queries(panel) if re.search(r"\$\{?[A-Za-z_]", query)]
