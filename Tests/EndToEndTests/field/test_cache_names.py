"""The cache's host name leads to another Redis than before, as after a failover that changes DNS: the responder goes
there without a restart."""

import pytest

from caches import ask, assert_is_used, is_stored, start
from harness.hosts import Hosts
from harness.redis_server import RedisServer
from harness.waiting import wait_for

pytestmark = pytest.mark.skipif(bool(Hosts.reason_against()), reason=Hosts.reason_against())
NAME = "cache.test"


@pytest.fixture
def hosts(tmp_path):
    return Hosts(tmp_path)


@pytest.fixture
def servers(tmp_path):
    """Two, with one port on two addresses."""
    first = RedisServer(tmp_path / "first", host="127.0.0.2")
    second = RedisServer(tmp_path / "second", host="127.0.0.3", port=first.port)
    yield first, second
    for server in (first, second):
        server.stop()


@pytest.fixture
def responder(responders, hosts, servers, world, user):
    """It has used the first server."""
    first, second = servers
    hosts.set(NAME, first.host)
    responder = start(responders, f"redis://{NAME}:{first.port}/0", command=hosts.command)
    track = world.track(user)
    assert_is_used(responder, first, track)
    assert not is_stored(second, track)
    return responder


def assert_goes_to(responder, server, world, user):
    """Requests are answered meanwhile."""
    track = world.track(user)
    wait_for(lambda: ask(responder, track) or is_stored(server, track), 30, "an entry in the second server")
    assert_is_used(responder, server, world.track(user))
    assert responder.process.poll() is None and len(responder.events("ready")) == 1


def test_name_that_moves_from_a_stopped_server_is_followed(responder, hosts, servers, world, user):
    first, second = servers
    first.stop()
    hosts.set(NAME, second.host)
    assert_goes_to(responder, second, world, user)


def test_name_that_moves_while_its_server_is_away_is_followed(responder, hosts, servers, world, user):
    first, second = servers
    first.stop()
    track = world.track(user)
    wait_for(lambda: ask(responder, track) or responder.events("dependency unhealthy"), 20, "the loss in the log")
    hosts.set(NAME, second.host)
    assert_goes_to(responder, second, world, user)


def test_name_that_moves_from_a_server_that_became_a_replica_is_followed(responder, hosts, servers, world, user):
    first, second = servers
    assert first.cli("replicaof", second.host, second.port) == "OK"
    hosts.set(NAME, second.host)
    # The first one goes on answering reads, and refuses writes.
    assert_goes_to(responder, second, world, user)


def test_entries_of_a_master_that_became_a_replica_are_not_written_until_the_name_moves(
        responder, hosts, servers, world, user):
    first, second = servers
    assert first.cli("replicaof", second.host, second.port) == "OK"
    track = world.track(user)
    is_refused = lambda: any("READONLY" in line["reason"] for line in responder.events("dependency unhealthy"))
    wait_for(lambda: ask(responder, track) or is_refused(), 20, "READONLY in the log")
    assert not is_stored(first, track) and not is_stored(second, track)
    hosts.set(NAME, second.host)
    assert_goes_to(responder, second, world, user)
