"""Fixtures. The stack must be up; harness.fixtures says how it is found."""

import subprocess

import pytest

pytest.register_assert_rewrite("harness", "support")

from harness import canaries, evidence
from harness.fixtures import api, mint, stack
from harness.kms import KMS
from harness.nginx import nginx_with
from harness.stack import environment_with
from harness.wire import API
from support.database import Database
from support.entries import entry
from support.fixtures import responders, s3, shared_object, track, user, world
from support.invalidations import ReceivedInvalidations
from support.resp import Redis
from support.sealing import KeyRing


def pytest_collection_modifyitems(items):
    """What no log may contain, and all answers, are known when all else has run: the tests that look at them come
    last."""
    items.sort(key=lambda item: (
        item.path.name == "test_secrets.py" or "answers_of_the_run" in item.fixturenames,
        "search" in item.fixturenames))


@pytest.fixture(autouse=True)
def skip_what_garnet_lacks(request):
    marker = request.node.get_closest_marker("not_on_garnet")
    if marker and request.getfixturevalue("stack")["GARNET_PROGRAM"]:
        pytest.skip(f"not on Garnet: {marker.args[0]}")


@pytest.fixture
def unlimited(stack, tmp_path):
    """An allowance that no user uses up."""
    with nginx_with(stack, tmp_path, NOVATUNE_RATE_LIMIT_PER_MINUTE=100_000) as port:
        yield API(f"http://127.0.0.1:{port}")


@pytest.fixture
def answers_of_the_run(api):
    api.stream("x")
    return evidence.answers()


@pytest.fixture
def redis(stack):
    with Redis(stack["CACHE_URL"]) as redis:
        yield redis


@pytest.fixture
def cached(api, redis, user, track):
    """A track whose URL is in the cache. A responder writes to the cache after its answer."""
    api.stream_url(track.id, user.token)
    redis.stored(entry(user, track))
    return track


@pytest.fixture
def key_ring(stack):
    return KeyRing(stack["CACHE_KEYS_FILE"])


@pytest.fixture
def database(stack):
    with Database(stack["DATABASE_URL"]) as database:
        yield database


@pytest.fixture
def invalidations(api, database, redis):
    return ReceivedInvalidations(api, database, redis)


@pytest.fixture(scope="session")
def kms(tmp_path_factory):
    service = KMS(tmp_path_factory.mktemp("kms"))
    canaries.add(service.allowed[1], service.denied[1], kind="KMS secret access key")
    yield service
    service.stop()


@pytest.fixture
def command(stack):
    """Runs the program with nothing of this environment's settings; `settings` are its own."""

    def run(*arguments, **settings):
        done = subprocess.run(
            [stack["RESPONDER_BINARY"], *map(str, arguments)], env=environment_with(**settings),
            stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=60)
        # Some print keys, to standard output, because that is what they are for.
        evidence.keep("standard error of commands", done.stderr.encode())
        return done

    return run
