"""Copies of the cache server's entries in the responder's process (NOVATUNE_CACHE_COPIES)."""

import pytest

from harness.metrics import metrics
from harness.waiting import wait_for
from support.problems import assert_problem

COPIES = {"NOVATUNE_CACHE_COPIES": "1000", "NOVATUNE_CACHE_TIMEOUT": "100ms"}


@pytest.fixture
def copies(stack, track):
    # After the rows, so that their notifications do not remove what a test has put there.
    with stack.responder_with(**COPIES):
        yield


def copy_hits(api):
    return metrics(api)["novatune_cache_copy_hits_total"]


def test_second_request_is_answered_by_the_copy(api, copies, user, track):
    url = api.stream_url(track.id, user.token)
    before = copy_hits(api)
    assert api.stream_url(track.id, user.token) == url
    assert copy_hits(api) == before + 1


def test_copies_serve_while_redis_is_stopped(api, copies, stack, world, user, track):
    url, other = api.stream_url(track.id, user.token), world.track(user)
    with stack.stopped("redis"):
        assert api.stream_url(track.id, user.token) == url
        # A URL that is made meanwhile is kept here, though the server cannot have it.
        made = api.stream_url(other.id, user.token)
        before = copy_hits(api)
        assert [api.stream_url(other.id, user.token) for _ in range(8)] == [made] * 8
        assert copy_hits(api) == before + 8


def test_entry_of_another_responder_is_copied(api, stack, user, track):
    url = api.stream_url(track.id, user.token)
    with stack.responder_with(**COPIES):
        assert [api.stream_url(track.id, user.token) for _ in range(3)] == [url] * 3
        assert copy_hits(api) == 2


def test_copy_never_outlives_what_the_database_says(api, copies, world, user, track):
    api.stream_url(track.id, user.token)
    before = copy_hits(api)
    world.set_track(track, "mime_type = 'audio/flac'")
    assert "audio%2Fflac" in api.stream_url(track.id, user.token)
    world.set_track(track, "status = 'Deleted'")
    assert api.stream(track.id, user.token).status == 409
    world.set_user(user, "status = 'Suspended'")
    assert_problem(api.stream(track.id, user.token), "forbidden", track.path)
    assert copy_hits(api) <= before + 1, "a copy of a former version is read at most, and never answered"


def test_invalidation_removes_the_copy(api, copies, world, user, track):
    api.stream_url(track.id, user.token)
    wait_for(lambda: metrics(api)["novatune_cache_entries"] == 1)
    world.set_track(track, "status = 'Deleted'")
    wait_for(lambda: metrics(api)["novatune_cache_entries"] == 0)
