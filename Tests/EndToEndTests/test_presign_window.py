"""One URL on all hosts: NOVATUNE_PRESIGN_WINDOW."""

import json
import time
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from harness.wire import fetch

WINDOW = 5
SETTINGS = {
    "NOVATUNE_PRESIGN_EXPIRY": "40s", "NOVATUNE_CACHE_TTL_BUFFER": "30s", "NOVATUNE_PRESIGN_WINDOW": f"{WINDOW}s"}


@pytest.fixture(params=["shared", "own"])
def hosts(request, responders):
    """Three responders: with one cache, or each with its own."""
    cache = {} if request.param == "shared" else {"NOVATUNE_CACHE_URL": "memory:"}
    return [responders().start_on_own_sockets(**SETTINGS, **cache) for _ in range(3)]


def asked(responder, track, user):
    """The URL, when it was signed, and the end that the answer names; times in seconds."""
    status, body = responder.ask(track, user.token)
    assert status == 200
    answer = json.loads(body)
    query = parse_qs(urlsplit(answer["streamUrl"]).query)
    signed = datetime.strptime(query["X-Amz-Date"][0] + "+0000", "%Y%m%dT%H%M%SZ%z").timestamp()
    assert query["X-Amz-Expires"] == ["40"]
    assert datetime.fromisoformat(answer["expiresAt"].replace("Z", "+00:00")).timestamp() == signed + 40
    return answer["streamUrl"], signed


def test_hosts_sign_one_url_for_all_users_within_a_window(hosts, world, track, user):
    friend = world.user()
    world.grant(track, friend)
    windows, ends = {}, time.monotonic() + 3.2 * WINDOW
    while time.monotonic() < ends:
        for host in hosts:
            for listener in (user, friend):
                began = time.time()
                url, signed = asked(host, track, listener)
                windows.setdefault(signed, set()).add(url)
                # Never of a former window, also where it comes from a cache; times are whole seconds.
                assert int(began) - signed < WINDOW and signed <= time.time()
    assert len(windows) in (4, 5) and {len(urls) for urls in windows.values()} == {1}, windows.keys()
    starts = sorted(windows)
    assert {later - former for former, later in zip(starts, starts[1:])} == {WINDOW}
    assert fetch(windows[starts[-1]].pop(), {"Range": "bytes=0-1"}).status == 206
