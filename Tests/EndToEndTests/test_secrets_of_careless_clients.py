"""Clients that put a secret where it does not belong do not find it in a log."""

import secrets

import pytest

from harness import canaries, written
from harness.search import Search
from harness.ulids import ulid
from support.problems import path


def marker(kind="misplaced secret"):
    text = "misplaced-" + secrets.token_hex(24)
    canaries.add(text, kind=kind)
    return text


def careless_requests(track, user):
    """Targets and headers."""
    good = {"Authorization": f"Bearer {user.token}"}
    yield f"{path(track.id)}?access_token={marker()}", good
    yield f"{path(track.id)}?X-Amz-Credential={marker()}&X-Amz-Signature={marker()}", {}
    yield f"/tracks/{marker(canaries.OWN_PATH)}/stream", good
    yield f"/{marker(canaries.OWN_PATH)}", good
    yield f"/tracks/x/stream?token={marker()}", good
    # An X-Correlation-Id of another shape than an id is not taken; one that looks like an id is logged, as it is for.
    for name in (
        "Referer", "Cookie", "User-Agent", "X-Correlation-Id", "traceparent", "tracestate", "X-Forwarded-For", "Origin",
        "Range"):
        yield path(track.id), good | {name: "!" + marker()}
    for scheme in ("Basic", "Bearer", ""):
        yield path(track.id), {"Authorization": f"{scheme} {marker()}", "Referer": f"https://x/?t={marker()}"}
    yield path(track.id), good | {"X-Large": marker() + "x" * 20_000}
    yield path(track.id) + "?" + marker() + "x" * 20_000, good


def assert_no_marker_is_logged(stack, api):
    last = f"e2e-{ulid()}"
    api.request("GET", "/healthz", {"X-Correlation-Id": last})
    stack.wait_for_log_line(last, "NGINX_ACCESS_LOG")
    kinds = {secret: kind for secret, kind in canaries.kinds().items() if kind.startswith("misplaced")}
    found = written.findings_in_logs(Search(kinds), stack)
    assert not found, "\n".join(map(str, found))


@pytest.mark.parametrize("component", [None, "responder", "postgres", "s3", "redis"])
def test_misplaced_secret_reaches_no_log(stack, api, user, track, component):
    """With everything up, and with each component down."""
    if component:
        stack.stop(component)
    try:
        for target, headers in careless_requests(track, user):
            api.request("POST", target, headers)
    finally:
        if component:
            stack.start(component)
    assert_no_marker_is_logged(stack, api)


def test_misplaced_secret_of_a_limited_user_reaches_no_log(stack, api, world, user, track):
    statuses = {api.stream(track.id, user.token, query=f"?token={marker()}").status for _ in range(70)}
    assert 429 in statuses
    assert_no_marker_is_logged(stack, api)


def test_secret_in_a_malformed_request_reaches_no_log(stack, api):
    for line in ("POST {}", "{} / HTTP/1.1", "POST /{} HTTP/9.9", "POST http:// {} HTTP/1.1", "G\\T /?{} HTTP/1.1"):
        api.raw(line.format(marker()).encode() + b"\r\nHost: x\r\nBad Header " + marker().encode() + b"\r\n\r\n")
    assert_no_marker_is_logged(stack, api)
