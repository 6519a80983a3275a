"""A server of production is lost under load, and another takes its place: a standby of PostgreSQL, a replica of a Redis
Cluster, a replica that sentinels promote. Nothing is restarted, and no setting changes."""

import contextlib
import json
import time
from datetime import datetime

import pytest

from harness import database_server, redis_server
from harness.database_server import Standby, hosts
from harness.redis_server import RedisServer
from harness.traffic import Traffic
from harness.waiting import wait_for
from support.outages import assert_only_200_and_503, requests_for

# Of the breakers, whose longest wait is 30 s, and of what promotes a server, on a machine that is busy.
LONGEST = 60


# PostgreSQL


@pytest.fixture
def pair(stack, world):
    """Yields a function that returns a primary of its own and its standby, both with all rows that exist by then."""
    with contextlib.ExitStack() as running:

        def server(source):
            standby = Standby(source, running.enter_context(database_server.directory()))
            running.callback(standby.stop)
            return standby

        def start():
            primary = server(database_server.address(stack))
            database_server.catch_up(stack, primary)
            primary.promote()
            return primary, server(primary.address)

        yield start


def test_promoted_standby_is_used_and_what_is_committed_there_holds(pair, responders, front, world, show):
    requests = requests_for(world, users=40)
    suspended, moved = (world.track(world.user()) for _ in range(2))
    key = world.put(f"audio/moved/{moved.id}.mp3", b"0123456789")
    primary, standby = pair()
    responder = responders().start_on_own_sockets(
        NOVATUNE_DATABASE_URL=hosts(primary.address, standby.address, attributes="target_session_attrs=primary"),
        NOVATUNE_CACHE_PREFIX="failover")
    api = front(responder)
    # What changes is requested beside the others, from before the failover on: it is in the cache.
    changing = [(track.id, track.owner.token, track) for track in (suspended, moved)]
    with Traffic(api, requests, pause=0.01) as traffic, Traffic(api, changing, connections=2, pause=0.01) as changed:
        wait_for(lambda: traffic.has_settled(since=0) and changed.has_settled(since=0), what="200 before the failover")
        lost = time.monotonic()
        primary.kill()
        standby.promote()
        promoted = time.monotonic()
        standby(f"update novatune.users set status = 'Suspended' where user_id = '{suspended.owner.id}'")
        standby(f"update novatune.tracks set object_key = '{key}' where track_id = '{moved.id}'")
        committed = time.monotonic()
        recovered = wait_for(lambda: traffic.recovered_at(lost), LONGEST, "200 after the failover")
        wait_for(lambda: changed.has_seen(403, since=committed) and changed.has_seen(200, 20, committed), LONGEST,
                 "answers about what has changed")
    show("PostgreSQL: primary lost to 200", recovered - lost)
    # It is a primary some time before the promotion returns.
    show("PostgreSQL: standby promoted to 200", max(recovered - promoted, 0))
    assert_only_200_and_503(traffic.samples())
    assert_only_200_and_503(sample for sample in changed.samples() if sample.ended < lost)
    assert set(changed.statuses()) <= {200, 403, 503}
    for sample in changed.samples(since=committed):
        if sample.tag is suspended:
            assert sample.status in (403, 503), sample
        else:
            assert sample.status == 503 or sample.status == 200 and key in sample.answer.json()["streamUrl"], sample
    wait_for(lambda: responder.readiness()["invalidations"]["status"] == "ok", LONGEST, "the subscriber")
    assert responder.readiness()["database"] == {"status": "ok"}


# Redis


def start_on_cache(responders, url, **settings):
    responder = responders().leave_out("CACHE_URL").start_on_own_sockets(NOVATUNE_CACHE_URL=url, **settings)
    wait_for(lambda: responder.readiness()["cache"]["status"] == "ok", 20, "the cache")
    return responder


class Lookups:
    """Whether the cache had the URL, for each request of these tracks, as the responder's log has it."""

    def __init__(self, responder, tracks):
        self._log, self._rest = open(responder.log_file, "rb"), b""
        self._tracks = {track.id for track in tracks}
        self._seen = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._log.close()

    def _read(self):
        *lines, self._rest = (self._rest + self._log.read()).split(b"\n")
        for line in lines:
            if b'"stream url requested"' in line and (entry := json.loads(line))["track_id"] in self._tracks:
                moment = datetime.fromisoformat(entry["timestamp"]).timestamp()
                self._seen.append((moment, entry["track_id"], entry["cache_hit"]))

    def first_miss(self, since):
        """Its Unix time; None before there is one."""
        self._read()
        return next((moment for moment, _, is_hit in self._seen if moment > since and not is_hit), None)

    def all_hit(self, since):
        """When the last of the tracks was a hit for the first time since then; None while one has been none."""
        self._read()
        first = {}
        for moment, track, is_hit in self._seen:
            if is_hit and moment > since:
                first.setdefault(track, moment)
        return max(first.values()) if len(first) == len(self._tracks) else None


def seconds_without(server, responder, api, requests, affected):
    """Kills a cache server under load. Seconds until entries of each affected track are used again."""
    with Lookups(responder, affected) as lookups, Traffic(api, requests, pause=0.01) as traffic:
        wait_for(lambda: lookups.all_hit(since=0), 20, "hits before the failover")
        lost = time.time()
        server.kill()
        missed = wait_for(lambda: lookups.first_miss(since=lost), LONGEST, "a miss")
        used = wait_for(lambda: lookups.all_hit(since=missed), LONGEST, "hits after the failover")
        traffic.stop()
        # A cache that is away costs nothing but speed.
        assert set(traffic.statuses()) == {200}
        assert_only_200_and_503(traffic.samples())
    return used - lost


def test_lost_master_of_a_cluster_is_replaced(responders, front, tmp_path, world, show):
    with redis_server.cluster(tmp_path) as nodes:
        responder = start_on_cache(responders, f"redis+cluster://{nodes[-1].address},{nodes[0].address}")
        requests = requests_for(world, users=60)
        api = front(responder)
        tracks = [track for _, _, track in requests]
        for track in tracks:
            api.stream_url(track.id, track.owner.token)
        lost = next(node for node in nodes if node.is_master() and node.cli("dbsize") != "0")
        held = lost.cli("keys", "*")
        affected = [track for track in tracks if track.id in held]
        assert 0 < len(affected) < len(tracks)
        seconds = seconds_without(lost, responder, api, requests, affected)
        assert [node.is_master() for node in nodes if node is not lost].count(True) == 3
        wait_for(lambda: responder.readiness()["cache"]["status"] == "ok", LONGEST, "the cache")
    show("Redis Cluster: master lost to all of its users' entries used", seconds)


def test_node_that_joins_a_cluster_is_used_from_its_first_slot_on(responders, front, tmp_path, world):
    with redis_server.cluster(tmp_path, replicas=0) as nodes:
        responder = start_on_cache(responders, f"redis+cluster://{nodes[0].address}")
        requests = requests_for(world, users=60)
        joined = RedisServer(tmp_path / "joined", "--cluster-enabled", "yes", "--cluster-node-timeout", "1000")
        try:
            with Traffic(front(responder), requests, pause=0.01) as traffic:
                wait_for(lambda: traffic.has_settled(since=0), what="200 before the node joins")
                redis_server.join(nodes, joined, slots=4096)
                wait_for(lambda: joined.cli("dbsize") != "0", LONGEST, "entries on the new node")
                hits = responder.metrics()["stream_url_cache_hits_total"]
                wait_for(
                    lambda: responder.metrics()["stream_url_cache_hits_total"] > hits + 200, LONGEST,
                    "hits after the node joined")
            assert set(traffic.statuses()) == {200}
            assert responder.readiness()["cache"]["status"] == "ok"
        finally:
            joined.stop()


def test_master_that_sentinels_replace_is_followed(responders, front, tmp_path, world, show):
    with redis_server.sentinel_group(tmp_path, "tracks") as (master, replica, sentinels):
        addresses = ",".join(sentinel.address for sentinel in sentinels)
        responder = start_on_cache(responders, f"redis+sentinel://{addresses}/tracks/0")
        requests = requests_for(world, users=40)
        seconds = seconds_without(
            master, responder, front(responder), requests, [track for _, _, track in requests])
        assert replica.is_master()
        wait_for(lambda: responder.readiness()["cache"]["status"] == "ok", LONGEST, "the cache")
    show("Redis Sentinel: master lost to all entries used", seconds)


def test_paused_writes_delay_no_answer(responders, tmp_path, world, user):
    """A planned failover pauses writes until the replica has them all."""
    redis = RedisServer(tmp_path / "redis")
    try:
        # Longer than any request may take: one that waits for a write is not answered 200.
        responder = start_on_cache(responders, f"redis://{redis.address}/0", NOVATUNE_CACHE_TIMEOUT="30s")
        cached, *others = world.tracks([user], each=11)
        assert responder.ask(cached, user.token)[0] == 200
        wait_for(lambda: redis.cli("exists", f"stream:{user.id}:{cached.id}") == "1", what="the entry")
        redis.cli("client", "pause", 60_000, "write")
        hits = responder.metrics()["stream_url_cache_hits_total"]
        for track in others:
            assert responder.ask(track, user.token)[0] == responder.ask(cached, user.token)[0] == 200
        assert responder.metrics()["stream_url_cache_hits_total"] == hits + len(others)
        written = lambda: redis.cli("exists", *(f"stream:{user.id}:{track.id}" for track in others))
        assert written() == "0"
        redis.cli("client", "unpause")
        wait_for(lambda: written() == str(len(others)), 40, "the entries of requests that came meanwhile")
    finally:
        redis.stop()
