"""A hundred thousand tracks changed by one transaction, while listeners go on listening."""

import time
from urllib.parse import urlsplit

import pytest

from harness.metrics import metrics
from harness.traffic import Traffic
from harness.ulids import ulid
from harness.waiting import wait_for
from support.database import Database
from support.entries import entry
from support.invalidations import REASONS, counted
from support.world import Track

COUNT = 100_000
# What a transaction may say one by one, and some more.
MANY_WORDS = 1_100


@pytest.fixture
def library(stack, world, shared_object):
    """Tracks of one owner, all with one object. They come and go as a replica's would: without history, which takes its
    time."""
    owner, prefix = world.user(), ulid()[:18]
    key, content = shared_object
    with Database(stack["DATABASE_URL"]) as database:
        database("set session_replication_role = replica")
        database(
            "insert into novatune.tracks (track_id, user_id, title, object_key, mime_type, file_size_bytes, status)"
            " select %s || lpad(n::text, 8, '0'), %s, 'One of many', %s, 'audio/mpeg', %s, 'Ready' from"
            " generate_series(1, %s) n",
            prefix, owner.id, key, len(content), COUNT)
        yield [Track(f"{prefix}{number:08}", owner, key, "audio/mpeg", len(content)) for number in range(1, COUNT + 1)]
        database("delete from novatune.tracks where user_id = %s", owner.id)
        for table in ("history", "history_heads"):
            database(
                f"delete from novatune.{table} where subject_kind = 'track' and subject_id::text like %s", prefix + "%")


def names(sample, key):
    return urlsplit(sample.answer.json()["streamUrl"]).path.endswith(f"/{key}")


def test_100000_tracks_changed_together_do_not_affect_other_listeners(
        unlimited, stack, world, library, database, redis, invalidations, capsys):
    api, owner, new_key = unlimited, library[0].owner, world.put(f"audio/bulk/{ulid()}.mp3", b"new")
    asked, left = library[::COUNT // 40], library[1::COUNT // 40]
    others = world.tracks(world.users(20))
    requests = [(track.id, track.owner.token, track) for pair in zip(asked, others * 2) for track in pair]
    for track in left:
        api.stream_url(track.id, owner.token)
    invalidations.settle()
    received_before = counted(metrics(api))

    with Database(stack["DATABASE_URL"]) as ear, Traffic(api, requests, pause=0.01) as traffic:
        ear.listen()
        wait_for(lambda: traffic.has_settled(since=0, count=2 * len(requests)), 20)
        begun = time.monotonic()
        database("update novatune.tracks set object_key = %s where user_id = %s", new_key, owner.id)
        finished = time.monotonic()
        queue_usage = ear("select pg_notification_queue_usage()")[0][0]
        payloads = ear.received("* * status_change")
        invalidations.settle()
        wait_for(lambda: traffic.has_settled(since=finished, count=2 * len(requests)), 20)
    with capsys.disabled():
        print(
            f"\n{COUNT} tracks changed in {finished - begun:.1f} s: {len(payloads)} words, {len(traffic.samples())}"
            f" answers meanwhile")

    assert set(traffic.statuses()) == {200}
    for sample in traffic.samples():
        true = {sample.tag.object_key}
        if sample.tag.owner is owner and sample.ended > begun:
            true = {new_key} if sample.started >= finished else true | {new_key}
        assert any(names(sample, key) for key in true), "an answer that was not true after the commit"
    # Both before and after, and while it was being made.
    for since, until in ((0, begun), (begun, finished), (finished, time.monotonic())):
        assert len([sample for sample in traffic.samples() if since < sample.started < until
            and sample.tag.owner is owner]) >= len(asked)

    assert len(payloads) <= MANY_WORDS and payloads[-1] == "* * status_change"
    assert queue_usage < 0.001
    wait_for(lambda: database("select pg_notification_queue_usage()") == [(0.0,)], what="an empty queue")
    received = counted(metrics(api))
    assert len(payloads) <= sum(received[reason] - received_before[reason] for reason in REASONS) <= MANY_WORDS
    assert not any(redis("EXISTS", entry(owner, track)) for track in left), "an entry that no request can use remains"

    # And then everything is as ever.
    assert metrics(api)["novatune_invalidation_subscriber_up"] == 1
    track, other = others[:2]
    for each in (track, other):
        first = api.stream_url(each.id, each.owner.token)
        assert redis.has(entry(each.owner, each))
        assert api.stream_url(each.id, each.owner.token) == first
    assert invalidations.received(lambda: world.set_track(track, "status = 'Deleted'")) == dict.fromkeys(REASONS, 0) | {
        "deletion": 1}
    assert api.stream(track.id, track.owner.token).status == 409
    assert not redis("EXISTS", entry(track.owner, track)) and redis("EXISTS", entry(other.owner, other))
