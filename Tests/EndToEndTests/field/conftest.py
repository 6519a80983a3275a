"""What the tests of production's configurations share: nginx in front of a responder, and a table of times."""

import contextlib

import pytest

from harness.nginx import nginx_with
from harness.wire import API
from support.fresh_database import FreshDatabase

TIMES = pytest.StashKey[list]()


@pytest.fixture
def front(stack, tmp_path_factory):
    """nginx in front of a responder that has sockets of its own, without a limit that traffic of a test reaches."""
    with contextlib.ExitStack() as running:

        def start(responder):
            port = running.enter_context(nginx_with(
                stack, tmp_path_factory.mktemp("front"), STREAM_SOCKETS=f"unix:{responder.stream_socket}",
                GATE_SOCKETS=f"unix:{responder.gate_socket}", NOVATUNE_RATE_LIMIT_PER_MINUTE=100_000,
                REQUESTS_PER_TOKEN=1000))
            return API(f"http://127.0.0.1:{port}")

        yield start


@pytest.fixture
def fresh(stack, database):
    fresh = FreshDatabase(stack)
    database(f"create database {fresh.name} template template0")
    yield fresh
    database(f"drop database {fresh.name} with (force)")


@pytest.fixture
def show(request):
    """Adds a line to the table of times that the run ends with. Times depend on the machine, so no test asserts one."""

    def add(what, seconds):
        request.config.stash.setdefault(TIMES, []).append((what, seconds))

    return add


def pytest_terminal_summary(terminalreporter, config):
    times = config.stash.get(TIMES, [])
    if times:
        terminalreporter.section("times")
        width = max(len(what) for what, _ in times)
        for what, seconds in times:
            terminalreporter.write_line(f"{what:<{width}}  {seconds:8.3f} s")
