"""What the database ends leaves the caches: exactly that, in all responders, soon. None of it decides what is handed
out."""

import statistics
import time
from collections import Counter

import pytest

from harness.waiting import wait_for
from support.entries import Cast, entry, index
from support.invalidations import REASONS, counted

NOTHING = dict.fromkeys(REASONS, 0)


TRACKS = {"owner", "friend", "second friend"}
OWNERS = {"owner", "owner's second"}
CHANGES = {
    "deletion by function": ("select novatune.delete_track('{track}', 'x')", TRACKS, {"deletion": 3}),
    "deletion by hand": (
        "update novatune.tracks set status = 'Deleted' where track_id = '{track}'", TRACKS, {"deletion": 3}),
    "deletion and restoration": (
        "select novatune.delete_track('{track}', 'x'); select novatune.restore_track('{track}', 'x')", TRACKS,
        {"deletion": 3}),
    "other object": (
        "update novatune.tracks set object_key = 'audio/an-object-that-no-log-names.mp3' where track_id = '{track}'",
        TRACKS, {"status_change": 3}),
    "other type": (
        "update novatune.tracks set mime_type = 'audio/ogg' where track_id = '{track}'", TRACKS, {"status_change": 3}),
    "other size": (
        "update novatune.tracks set file_size_bytes = 7 where track_id = '{track}'", TRACKS, {"status_change": 3}),
    "other owner": (
        "update novatune.tracks set user_id = '{stranger}' where track_id = '{track}'", TRACKS, {"status_change": 3}),
    # The grants go first and tell their own.
    "row deleted": (
        "delete from novatune.tracks where track_id = '{track}'", TRACKS, {"deletion": 1, "status_change": 2}),
    "track without a grant": ("select novatune.delete_track('{second}', 'x')", {"owner's second"}, {"deletion": 1}),
    "suspension by function": ("select novatune.suspend_user('{owner}', 'x')", OWNERS, {"status_change": 1}),
    "suspension by hand": (
        "update novatune.users set status = 'Suspended' where user_id = '{owner}'", OWNERS, {"status_change": 1}),
    "other status": (
        "update novatune.users set status = 'PendingDeletion' where user_id = '{owner}'", OWNERS, {"status_change": 1}),
    "logout by function": ("select novatune.logout_all('{owner}', 'x')", OWNERS, {"logout": 1}),
    "logout by hand": (
        "update novatune.users set tokens_valid_after = now() where user_id = '{owner}'", OWNERS, {"logout": 1}),
    "epoch raised": (
        "update novatune.users set session_epoch = session_epoch + 1 where user_id = '{owner}'", OWNERS, {"logout": 1}),
    "friend logged out": ("select novatune.logout_all('{friend}', 'x')", {"friend", "friend's own"}, {"logout": 1}),
    "user deleted": (
        "delete from novatune.users where user_id = '{second_friend}'", {"second friend"},
        {"deletion": 1, "status_change": 1}),
    "grant revoked by function": (
        "select novatune.revoke_access('{track}', '{friend}')", {"friend"}, {"status_change": 1}),
    "grant revoked by hand": (
        "delete from novatune.track_grants where grantee_id = '{friend}'", {"friend"}, {"status_change": 1}),
    "grant shortened by function": (
        "select novatune.grant_access('{track}', '{friend}', now() + interval '1 minute')", {"friend"},
        {"status_change": 1}),
    "grant shortened by hand": (
        "update novatune.track_grants set expires_at = now() where grantee_id = '{friend}'", {"friend"},
                                {"status_change": 1}),
    "title": ("update novatune.tracks set title = 'Another' where track_id = '{track}'", set(), {}),
    "same again": ("update novatune.tracks set object_key = object_key where track_id = '{track}'", set(), {}),
    "grant to another": ("select novatune.grant_access('{track}', '{stranger}')", set(), {}),
    "taken back": (
        "begin; select novatune.delete_track('{track}', 'x'); select novatune.logout_all('{owner}', 'x'); rollback",
        set(), {}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_change_removes_only_the_entries_that_it_ends(api, stack, world, redis, invalidations, change):
    sql, ended, expected = CHANGES[change]
    cast = Cast(api, world, redis)
    assert invalidations.received(lambda: stack.sql(sql.format(**cast.ids()))) == NOTHING | expected
    assert cast.cached() == cast.indexed() == set(cast.entries) - ended


def test_index_is_removed_with_the_last_entry(api, stack, world, redis, invalidations):
    user = world.user()
    first, second = world.tracks([user], each=2)
    for track in (first, second):
        api.stream_url(track.id, user.token)
        assert redis.has(entry(user, track))
    stack.sql(f"select novatune.delete_track('{first.id}', 'x')")
    invalidations.settle()
    assert redis("EXISTS", index(user)) == 1
    stack.sql(f"select novatune.delete_track('{second.id}', 'x')")
    invalidations.settle()
    assert redis("EXISTS", index(user)) == 0


def test_removed_entry_is_cached_again_by_the_next_request(api, stack, user, track, redis, invalidations):
    api.stream_url(track.id, user.token)
    assert redis.has(entry(user, track))
    stack.sql(f"select novatune.suspend_user('{user.id}', 'x'); select novatune.reinstate_user('{user.id}', 'x')")
    invalidations.settle()
    assert not redis("EXISTS", entry(user, track))
    api.stream_url(track.id, user.token)
    assert redis.has(entry(user, track)) and redis("ZSCORE", index(user), entry(user, track))


# How soon

SOON = 0.1
# And the notifications that arrive for it: a change of the track notifies owner and friend.
ENDINGS = [
    ("update novatune.tracks set file_size_bytes = file_size_bytes + 1 where track_id = '{track}'",
        {"status_change": 2}),
    ("update novatune.users set session_epoch = session_epoch + 1 where user_id = '{user}'", {"logout": 1}),
    ("update novatune.track_grants set expires_at = now() + interval '1 day' where track_id = '{track}'",
        {"status_change": 1}),
]


@pytest.fixture
def pair(responders):
    def pair(**settings):
        return [responders().start_on_own_sockets(**settings) for _ in range(2)]

    return pair


def seconds_until(condition):
    """Asks without a pause: the time is what counts."""
    started = time.monotonic()
    deadline = started + 10
    while not condition():
        assert time.monotonic() < deadline
    return time.monotonic() - started


def measure(database, world, both, fill, is_gone):
    """Seconds from the commit to the end of the entry, for changes of each kind; both responders must receive each."""
    owner, friend = world.users(2)
    track = world.track(owner)
    world.grant(track, friend)
    expected = [Counter(counted(responder.metrics())) for responder in both]
    times = []
    for sql, words in ENDINGS * 8:
        fill(friend, track)
        database(sql.format(user=friend.id, track=track.id))
        times.append(seconds_until(lambda: is_gone(friend, track)))
        # The later of the two would end the next round's entry.
        for responder, received in zip(both, expected):
            received.update(words)
            wait_for(lambda: counted(responder.metrics()) == received)
    return times


def report(capsys, what, times):
    with capsys.disabled():
        print(
            f"\n{what}: median of {len(times)} {statistics.median(times) * 1000:.1f} ms, longest"
            f" {max(times) * 1000:.1f} ms")


def test_entry_leaves_the_shared_cache_within_100_ms_of_the_commit(database, world, redis, pair, capsys):
    both = pair(NOVATUNE_CACHE_PREFIX="pair")

    def fill(user, track):
        # A responder writes after its answer. The second one finds the first one's entry: a write of its own could
        # arrive after the removal.
        for responder in both:
            assert responder.ask(track, user.token)[0] == 200 and redis.has(entry(user, track, "pair"))

    times = measure(database, world, both, fill, lambda user, track: not redis("EXISTS", entry(user, track, "pair")))
    report(capsys, "from commit until the entry was out of Redis", times)
    assert statistics.median(times) < SOON


def test_entry_leaves_both_responders_own_caches_within_100_ms_of_the_commit(database, world, pair, capsys):
    both = pair(NOVATUNE_CACHE_URL="memory:")

    def entries():
        return [responder.metrics()["novatune_cache_entries"] for responder in both]

    def fill(user, track):
        assert [responder.ask(track, user.token)[0] for responder in both] == [200, 200]
        assert entries() == [1, 1]

    times = measure(database, world, both, fill, lambda *_: entries() == [0, 0])
    report(capsys, "from commit until the entry was out of both processes", times)
    assert statistics.median(times) < SOON
