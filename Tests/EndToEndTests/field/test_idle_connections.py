"""Connections to servers on another host, which a NAT between the hosts has forgotten: nothing passes, and neither end
is informed."""

import pytest

from harness import database_server
from harness.database_server import ROLE, Standby
from harness.redis_server import RedisServer
from harness.sockets import connections
from harness.waiting import wait_for
from support.other_host import OtherHost

ERRORS = "novatune_dependency_errors_total"
pytestmark = pytest.mark.skipif(bool(OtherHost.reason_against()), reason=OtherHost.reason_against())


class Servers:
    """PostgreSQL and Redis on another host, and a responder's connections to them."""

    def __init__(self, host, database, cache):
        self._host, self.database, self.cache = host, database, cache
        self.settings = {
            "NOVATUNE_DATABASE_URL": f"postgresql://{ROLE}@{host.address}:{database.port}/novatune",
            "NOVATUNE_CACHE_URL": f"redis://{cache.address}/0",
            # Longer than any request may take: one that waits for it is not answered 200.
            "NOVATUNE_DATABASE_TIMEOUT": "30s",
        }

    def ports(self, responder):
        """The responder's own, by server."""
        return {
            server: {connection.local_port for connection in connections(responder.process.pid, server.port)}
            for server in (self.database, self.cache)}

    def forget(self, responder):
        """All connections that the responder has now; returns their ports."""
        ports = self.ports(responder)
        assert all(ports.values()), "no connection"
        self._host.forget(set().union(*ports.values()))
        return ports

    def are_replaced(self, responder, forgotten):
        """Whether the responder has given up all of them, and has as many others."""
        now = self.ports(responder)
        return all(
            not now[server] & forgotten[server] and len(now[server]) >= len(forgotten[server]) for server in now)


@pytest.fixture
def servers(stack, tmp_path, user, track):
    """With the rows of user and track."""
    with OtherHost() as host, database_server.directory() as directory:
        database = Standby(database_server.address(stack), directory, listen=host.address, command=host.command)
        cache = RedisServer(
            tmp_path / "redis", "--protected-mode", "no", host=host.address, command=host.command)
        database_server.catch_up(stack, database)
        yield Servers(host, database, cache)
        cache.stop()
        database.stop()


class Requests:
    """For one track, one after the other, by a responder that no other test asks."""

    def __init__(self, responder, track):
        self._responder, self._track, self._count = responder, track, 0

    def __call__(self):
        """The next one's line in the log, which is written after the answer; it must be answered 200."""
        assert self._responder.ask(self._track, self._track.owner.token)[0] == 200
        self._count += 1
        return self._responder.wait_for_event("stream url requested", self._count)


@pytest.fixture
def responder(stack, servers, responders):
    responder = responders().leave_out("CACHE_URL").start_on_own_sockets(
        **servers.settings, NOVATUNE_DATABASE_SUBSCRIBER_URL=database_server.by_socket(stack))
    wait_for(lambda: responder.readiness()["cache"]["status"] == "ok", 20, "the cache")
    return responder


@pytest.fixture
def request_again(servers, responder, track):
    """Its connections have been used, and the track's URL is in the cache."""
    requests = Requests(responder, track)
    requests()
    wait_for(lambda: servers.cache.cli("exists", f"stream:{track.owner.id}:{track.id}") == "1", what="the entry")
    assert requests()["cache_hit"]
    return requests


def errors(responder):
    """Of calls that requests have made."""
    return {name: value for name, value in responder.metrics().items() if name.startswith(ERRORS)}


def test_forgotten_connections_are_replaced_before_a_request_needs_them(servers, responder, request_again, show):
    before = errors(responder)
    forgotten = servers.forget(responder)
    # Nothing is asked meanwhile: keepalive alone finds out.
    wait_for(lambda: servers.are_replaced(responder, forgotten), 30, "other connections")
    line = request_again()
    show("idle connections forgotten, first request after keepalive has noticed", line["duration_ms"] / 1000)
    assert line["cache_hit"]
    assert errors(responder) == before and responder.events("dependency failed") == []


def test_request_on_forgotten_connections_does_not_wait_for_its_time_limit(servers, responder, request_again, show):
    forgotten = servers.forget(responder)
    line = request_again()
    show("idle connections forgotten, first request immediately after", line["duration_ms"] / 1000)
    assert errors(responder)[ERRORS + '{dependency="database",code="timeout"}'] == 0
    wait_for(lambda: servers.are_replaced(responder, forgotten), 30, "other connections")
    wait_for(lambda: request_again()["cache_hit"], 30, "the cache")
