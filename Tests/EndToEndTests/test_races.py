"""While rows change, each answer matches a state that the database had between the question and the answer.

That holds for cached URLs, and where notifications are received or lost."""

import contextlib
import threading
from collections import Counter
from urllib.parse import urlsplit

import pytest

from harness.nginx import nginx_with
from harness.waiting import wait_for
from harness.wire import API
from support.database import Database
from support.invalidations import Cutting, counted, muted
from support.judge import Judge
from support.race import Race

CHANGES, OF_EACH_KIND, ANSWERS = 2_000, 15, 10_000
KINDS = 29


@pytest.fixture
def pair(responders):
    """Two responders with one cache. They do not look for objects: each change of one names another, and none is
    there."""
    return [
        responders().start_on_own_sockets(NOVATUNE_S3_VERIFY="none", NOVATUNE_CACHE_PREFIX="race") for _ in range(2)]


@pytest.fixture
def race(stack, tmp_path, world, mint, database, pair):
    sockets = {
        "STREAM_SOCKETS": " ".join(f"unix:{responder.stream_socket}" for responder in pair),
        "GATE_SOCKETS": " ".join(f"unix:{responder.gate_socket}" for responder in pair),
    }
    # An allowance that no user uses up.
    with nginx_with(stack, tmp_path, NOVATUNE_RATE_LIMIT_PER_MINUTE=100_000, **sockets) as port:
        yield Race(API(f"http://127.0.0.1:{port}"), world, mint, database, seed=port)


def together(pair):
    """What both count."""
    return sum((Counter(responder.metrics()) for responder in pair), Counter())


@contextlib.contextmanager
def as_it_is(stack):
    yield lambda received: received > CHANGES


@contextlib.contextmanager
def subscribers_repeatedly_disconnected(stack):
    with Database(stack["DATABASE_URL"]) as database, Cutting(database) as cutting:
        yield lambda received: cutting.cuts > 50 and received < CHANGES / 2


@contextlib.contextmanager
def notifications_muted(stack):
    with Database(stack["DATABASE_URL"]) as database, muted(database):
        yield lambda received: received == 0


def is_enough(race):
    counts = race.changes.counts
    return (race.answers >= ANSWERS and counts.total() >= CHANGES and len(counts) == KINDS
        and min(counts.values()) >= OF_EACH_KIND)


@pytest.mark.parametrize(
    "condition", [as_it_is, subscribers_repeatedly_disconnected, notifications_muted],
    ids=lambda condition: condition.__name__)
def test_every_answer_was_true_between_its_question_and_its_end(stack, pair, race, condition, capsys):
    before = together(pair)
    with condition(stack) as was_met:
        race.run(is_enough, seconds=60)
        after = together(pair)
    observations, judge = race.observations, Judge(race.timeline)
    counts, outcomes = race.changes.counts, Counter(
        str(observation.outcome).split(" (obj")[0] for observation in observations)
    hits = after["stream_url_cache_hits_total"] - before["stream_url_cache_hits_total"]
    received = sum(counted(after).values()) - sum(counted(before).values())
    with capsys.disabled():
        print(f"\n{condition.__name__}: {counts.total()} changes, {len(observations)} answers {dict(outcomes)},"
              f" {hits:.0f} from the cache, {received} invalidations received")

    contradictions = judge.contradictions(observations)
    assert not contradictions, f"{len(contradictions)} of {len(observations)}:\n" + "\n".join(contradictions[:20])

    # That this could have failed.
    assert is_enough(race), f"{len(observations)} answers to {counts}"
    assert was_met(received)
    assert hits >= ANSWERS / 20
    for outcome in ("200", "401", "403", "404", "409 (Deleted)", "409 (Failed)", "409 (Processing)"):
        assert outcomes[outcome] >= 100, outcome
    assert sum(map(judge.is_undecided, observations)) >= 200, "too few answers overlap a change"
    assert sum(judge.is_fresh(observation, 0.005)
        for observation in observations) >= 500, "hardly any answer came right after a change"
    # The same answers from a service whose knowledge is 20 ms old.
    assert sum(
        not judge.is_explained(observation.later(0.02)) for observation in observations) >= 500, "it would not show"


# An entry that is written after the change that ended it


def queries(database):
    """When each of the responder's connections began its last query, which has ended."""
    return dict(database(
        "select pid, query_start from pg_stat_activity where application_name = 'novatune-streamd' and state = 'idle'"))


@pytest.fixture(scope="module")
def monitor(stack):
    """The connection by which the responder itself asks, once a second, whether the database is there."""
    with Database(stack["DATABASE_URL"]) as database:
        before = queries(database)
        (pid, _), = wait_for(lambda: queries(database).items() - before.items(), 5, "a query of the monitor")
    return pid


@pytest.fixture
def late(api, stack, database, redis, key_ring, monitor, invalidations):
    """A change that is committed while a request has read the row, and not yet written what follows from it into the
    cache."""

    def late(listener, track, change):
        answers = []
        asking = threading.Thread(target=lambda: answers.append(api.stream(track.id, listener.token)), daemon=True)
        before = queries(database)
        # In between it looks for the object.
        with stack.frozen("s3"):
            asking.start()
            wait_for(lambda: {pid for pid, _ in queries(database).items() - before.items()}
                - {monitor}, what="the request's query")
            stack.sql(change)
            # An invalidation that arrives after the entry is written would remove it.
            invalidations.settle()
            assert asking.is_alive(), "the request did not wait for the store"
        asking.join(20)
        assert [answer.status for answer in answers] == [200], "the answer was true when the request began"
        key = f"stream:{listener.id}:{track.id}"
        _, entry = key_ring.open(redis.stored(key), key)
        assert entry.url == answers[0].json()["streamUrl"] and entry.object_key == track.object_key
        return entry

    return late


ENDINGS = {
    "deletion": ("select novatune.delete_track('{track}', 'late')", 409),
    "removal": ("delete from novatune.tracks where track_id = '{track}'", 404),
    "new owner": ("update novatune.tracks set user_id = '{other}' where track_id = '{track}'", 403),
    "suspension": ("select novatune.suspend_user('{listener}', 'late')", 403),
    "logout": ("select novatune.logout_all('{listener}', 'late')", 401),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_entry_written_after_the_end_of_its_right_is_not_served(api, world, user, track, late, ending):
    change, status = ENDINGS[ending]
    late(user, track, change.format(track=track.id, listener=user.id, other=world.user().id))
    assert [api.stream(track.id, user.token).status for _ in range(3)] == [status] * 3


@pytest.mark.parametrize("ending", [
    "select novatune.revoke_access('{track}', '{friend}')",
    "update novatune.track_grants set expires_at = now() where grantee_id = '{friend}'",
], ids=["revoked", "ended"])
def test_grantees_entry_written_after_the_end_of_the_grant_is_not_served(api, world, track, late, ending):
    friend = world.user()
    world.grant(track, friend)
    late(friend, track, ending.format(track=track.id, friend=friend.id))
    assert [api.stream(track.id, friend.token).status for _ in range(3)] == [403] * 3


def test_entry_written_after_the_object_changed_is_not_served(api, world, user, track, late):
    key = world.put(f"audio/late/{track.id}.mp3", b"new")
    late(user, track, f"update novatune.tracks set object_key = '{key}' where track_id = '{track.id}'")
    for _ in range(3):
        assert urlsplit(api.stream_url(track.id, user.token)).path.endswith(key)


@pytest.mark.parametrize("twice", [
    "select novatune.delete_track('{track}', 'late'); select novatune.restore_track('{track}', 'late')",
    "select novatune.suspend_user('{user}', 'late'); select novatune.reinstate_user('{user}', 'late')",
], ids=["deleted and restored", "suspended and reinstated"])
def test_entry_written_after_a_change_was_reverted_is_replaced(api, world, user, track, late, redis, key_ring, twice):
    """What was ended stays ended."""
    stale = late(user, track, twice.format(track=track.id, user=user.id))
    assert api.stream(track.id, user.token).status == 200
    key = f"stream:{user.id}:{track.id}"
    expected = ((stale.track_version + 2, stale.user_epoch) if "track" in twice
        else (stale.track_version, stale.user_epoch + 2))

    def replaced():
        _, entry = key_ring.open(redis.stored(key), key)
        return (entry.track_version, entry.user_epoch) == expected

    # A responder writes to the cache after its answer.
    wait_for(replaced, 10, "the entry of the second answer")
