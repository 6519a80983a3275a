"""Prometheus text, as numbers."""


def metrics(api):
    answer = api.request("GET", "/metrics")
    assert answer.status == 200
    assert answer.header("Content-Type").startswith("text/plain; version=0.0.4")
    return parsed(answer.body.decode())


def total(api, name):
    """The sum over all labels."""
    return sum(value for key, value in metrics(api).items() if key.partition("{")[0] == name)


def parsed(text):
    """Values by name and labels, as they are spelled: `name{label="value"}`."""
    return {
        name: float(value) for name, _, value in (line.rpartition(" ") for line in text.splitlines() if line[0] != "#")}
