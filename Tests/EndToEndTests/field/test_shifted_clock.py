"""A responder whose machine's clock is wrong: the difference from the store's clock is measured and named."""

import json
import time
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from harness import shifted_clock
from harness.wire import fetch

pytestmark = pytest.mark.skipif(not shifted_clock.program(), reason="faketime: not installed")

OFFSET = 'novatune_clock_offset_seconds{dependency="object_store"}'


@pytest.fixture(params=[-20, -59, 900], ids="{:+d}s".format)
def offset(request):
    return request.param


@pytest.fixture
def clock(offset):
    with shifted_clock.shifted_clock(offset) as variables:
        yield variables


def difference(offset):
    """As a reason has it. The store's header `Date` is of whole seconds."""
    direction = "ahead of" if offset > 0 else "behind"
    return [f"{abs(offset + rounding)} s {direction} the store's" for rounding in (-1, 0, 1)]


def names(text, offset):
    return any(words in text for words in difference(offset))


@pytest.fixture
def responder(responders, clock):
    return responders().start_on_own_sockets(NOVATUNE_CACHE_URL="memory:", **clock)


def test_offset_is_named_in_log_metric_readiness_and_check(responder, command, clock, offset):
    event = responder.wait_for_event("clock differs")
    assert event["level"] == "warning" and event["dependency"] == "object_store"
    assert abs(int(event["offset_seconds"]) - offset) <= 1
    assert names(event["reason"], offset) and "NTP" in event["reason"]
    assert abs(responder.metrics()[OFFSET] - offset) <= 1
    store = responder.readiness()["object_store"]
    assert store["status"] == "ok" and names(store["warning"], offset)
    checked = command("check", "--config", responder.config, **clock)
    line = next(line for line in checked.stdout.splitlines() if line.startswith("clock "))
    assert line.split()[1] == "warning" and names(line, offset) and checked.returncode == 0


def test_url_lives_from_its_date_for_its_expiry(responder, mint, user, track, offset):
    # A token that is good at this clock.
    there = int(time.time()) + offset
    status, body = responder.ask(track, mint.hs256(user.id, iat=there - 1, exp=there + 600))
    assert status == 200
    answer = json.loads(body)
    query = parse_qs(urlsplit(answer["streamUrl"]).query)
    signed = datetime.strptime(query["X-Amz-Date"][0] + "+0000", "%Y%m%dT%H%M%SZ%z").timestamp()
    assert abs(signed - there) <= 10 and query["X-Amz-Expires"] == ["120"]
    assert datetime.fromisoformat(answer["expiresAt"]).timestamp() == signed + 120
    # Of its 120 s the store's clock leaves 61 at least.
    assert fetch(answer["streamUrl"], {"Range": "bytes=0-1"}).status == 206


def test_refusal_for_the_clock_is_named_as_that(responders, command, mint, user, track):
    """A store refuses signatures that are over: not the key is at fault."""
    far = -1200
    with shifted_clock.shifted_clock(far) as variables:
        responder = responders().start_on_own_sockets(NOVATUNE_CACHE_URL="memory:", **variables)
        assert names(responder.wait_for_event("dependency unhealthy")["reason"], far)
        assert names(responder.readiness()["object_store"]["reason"], far)
        there = int(time.time()) + far
        assert responder.ask(track, mint.hs256(user.id, iat=there - 1, exp=there + 600))[0] == 503
        assert names(responder.wait_for_event("dependency failed")["reason"], far)
        checked = command("check", "--config", responder.config, **variables)
        line = next(line for line in checked.stdout.splitlines() if line.startswith("object store "))
        assert checked.returncode == 1 and line.split()[2] == "failed" and names(line, far)
        assert "NOVATUNE_S3_SECRET_ACCESS_KEY" not in line
