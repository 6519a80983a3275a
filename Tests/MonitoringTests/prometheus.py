"""Prometheus's HTTP API. https://prometheus.io/docs/prometheus/latest/querying/api/"""

import json
import math
import urllib.error
import urllib.parse
import urllib.request


class Refused(Exception):
    """The query is not one."""


class Prometheus:
    def __init__(self, url):
        self._url = url

    def samples(self, query):
        """Labels and number of each series that has one now."""
        answer = self._get("query", query=query)
        assert "warnings" not in answer, answer["warnings"]
        result = answer["data"]["result"]
        if answer["data"]["resultType"] == "scalar":
            return [({}, float(result[1]))]
        numbers = [(series["metric"], float(series["value"][1])) for series in result]
        return [(labels, number) for labels, number in numbers if not math.isnan(number)]

    def rules(self):
        return [rule for group in self._get("rules")["data"]["groups"] for rule in group["rules"]]

    def targets(self):
        return self._get("targets", state="active")["data"]["activeTargets"]

    def _get(self, endpoint, **parameters):
        try:
            with urllib.request.urlopen(
                f"{self._url}/api/v1/{endpoint}?{urllib.parse.urlencode(parameters)}", timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                if error.code not in (400, 422):
                    raise  # it is starting
                raise Refused(json.load(error)["error"]) from None
