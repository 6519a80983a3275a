"""Responders behind a name whose addresses change, which nginx asks a DNS server for."""

import contextlib
import json
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from harness.nginx import free_port, started, version
from harness.process import family
from harness.traffic import Traffic
from harness.waiting import wait_for
from harness.wire import API
from support import dnsmasq
from support.problems import assert_problem

pytestmark = [
    pytest.mark.skipif(version() < (1, 27, 3), reason="no nginx 1.27.3 or newer in PATH, which looks a name up again"),
    pytest.mark.skipif(not dnsmasq.program(), reason="no dnsmasq: not installed")]

NAME = "responder.example"
FIRST, SECOND = "127.0.0.2", "127.0.0.3"
# nginx asks again five seconds after a question without an answer, and ten after the answer that there is no such name.
SECONDS = 30


class Front(NamedTuple):
    """nginx in front of the name."""

    api: API
    process: object
    directory: Path

    def reload(self):
        """Returns when only new workers are left."""
        former = self._workers()
        self.process.send_signal(signal.SIGHUP)
        wait_for(lambda: (workers := self._workers()) and not workers & former, 20, "the reload")

    def _workers(self):
        return set(family(self.process.pid)) - {self.process.pid}

    def reasons(self, text):
        return [line for line in self.log("error").splitlines() if text in line]

    def log(self, name):
        return (self.directory / f"{name}.log").read_text()


@pytest.fixture
def ports():
    return free_port(), free_port()


@pytest.fixture
def at(responders, ports):
    """Starts a responder at an address; all have the same ports."""
    return lambda host: responders().start(
        NOVATUNE_LISTEN=f"{host}:{ports[0]}", NOVATUNE_GATE_LISTEN=f"{host}:{ports[1]}")


@pytest.fixture
def names(tmp_path):
    """A DNS server that a test starts; at first the name has the first address."""
    server = dnsmasq.Dnsmasq(tmp_path, NAME, FIRST)
    yield server
    server.stop()


@pytest.fixture
def front(stack, tmp_path_factory, names, ports):
    """Starts that nginx. A question that no DNS server has answered costs it seconds."""
    with contextlib.ExitStack() as running:

        def start():
            directory = tmp_path_factory.mktemp("front")
            port, process = running.enter_context(started(
                stack, directory, STREAM_SOCKETS=f"{NAME}:{ports[0]}", GATE_SOCKETS=f"{NAME}:{ports[1]}",
                RESOLVER=names.address, NOVATUNE_RATE_LIMIT_PER_MINUTE=100_000, REQUESTS_PER_TOKEN=1000))
            return Front(API(f"http://127.0.0.1:{port}"), process, directory)

        yield start


@pytest.fixture
def requests(world):
    users = world.users(20)
    return [(track.id, user.token, None) for track, user in zip(world.tracks(users), users)]


def statuses(nginx, requests):
    """Each on a connection of its own."""
    return [nginx.api.stream(track, token).status for track, token, _ in requests]


def answering(nginx, requests):
    """The addresses that nginx sent these requests to, all of which are answered."""
    lines = lambda: nginx.log("access").rpartition("\n")[0].splitlines()
    former = len(lines())
    assert set(statuses(nginx, requests)) == {200}
    # A line follows its answer.
    wait_for(lambda: len(lines()) >= former + len(requests), what="their lines in the access log")
    tried = ", ".join(json.loads(line)["upstreamAddress"] for line in lines()[former:])
    return {address.partition(":")[0] for address in tried.split(", ")}


def wait_for_answers_of(hosts, nginx, requests):
    wait_for(lambda: answering(nginx, requests) == hosts, SECONDS, f"answers of {' and '.join(sorted(hosts))}")


def wait_until(status, nginx, requests):
    wait_for(lambda: set(statuses(nginx, requests)) == {status}, SECONDS, f"{status} for each request")


def test_name_that_moves_to_another_responder_costs_no_request(names, front, at, requests):
    names.start()
    first, _, nginx = at(FIRST), at(SECOND), front()
    wait_until(200, nginx, requests)
    wait_for_answers_of({FIRST}, nginx, requests)
    with Traffic(nginx.api, requests, pause=0.01) as traffic:
        names.change(SECOND)
        wait_for_answers_of({SECOND}, nginx, requests)
        assert first.stop() == 0
        asked = traffic.count
        wait_for(lambda: traffic.count > asked + 100, SECONDS, "requests after the first responder's end")
    assert set(traffic.statuses()) == {200}


def test_name_of_two_responders_is_shared_until_one_leaves(names, front, at, requests):
    names.change(FIRST, SECOND)
    names.start()
    _, second, nginx = at(FIRST), at(SECOND), front()
    wait_until(200, nginx, requests)
    wait_for_answers_of({FIRST, SECOND}, nginx, requests)
    with Traffic(nginx.api, requests, pause=0.01) as traffic:
        names.change(FIRST)
        wait_for_answers_of({FIRST}, nginx, requests)
        assert second.stop() == 0
        asked = traffic.count
        wait_for(lambda: traffic.count > asked + 100, SECONDS, "requests after the second responder's end")
    assert set(traffic.statuses()) == {200}


def test_lost_name_server_costs_no_request_also_through_a_reload(names, front, at, requests):
    names.start()
    for host in (FIRST, SECOND):
        at(host)
    nginx = front()
    wait_until(200, nginx, requests)
    names.stop()
    wait_for(lambda: nginx.reasons("Connection refused) while resolving"), SECONDS, "a question without an answer")
    wait_for_answers_of({FIRST}, nginx, requests)
    with ThreadPoolExecutor() as threads:
        reload = threads.submit(nginx.reload)
        while not reload.done():
            assert answering(nginx, requests) == {FIRST}
        reload.result()
    assert answering(nginx, requests) == {FIRST}
    names.change(SECOND)
    names.start()
    wait_for_answers_of({SECOND}, nginx, requests)


def test_nginx_starts_before_its_name_server(names, front, at, requests):
    at(FIRST)
    nginx, [track, token, _] = front(), requests[0]
    assert_problem(nginx.api.stream(track, token), "service-unavailable", f"/tracks/{track}/stream")
    names.start()
    wait_until(200, nginx, requests)


def test_name_without_an_address_is_503_until_it_has_one(names, front, at, requests):
    names.start()
    at(FIRST)
    nginx = front()
    wait_until(200, nginx, requests)
    names.change()
    wait_until(503, nginx, requests)
    assert nginx.reasons(f"{NAME} could not be resolved (3: Host not found)")
    names.change(FIRST)
    wait_until(200, nginx, requests)
