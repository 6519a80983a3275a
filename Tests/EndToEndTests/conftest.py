"""Fixtures. The stack must be up: STACK_ENV names its env file (contract §7), STACK_STATE its state directory."""

import os
import random
import subprocess
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

pytest.register_assert_rewrite("support")

from support import canaries, evidence
from support.database import Database
from support.invalidations import Words
from support.kms import KMS
from support.resp import Redis
from support.responder import Responder
from support.sealing import KeyRing
from support.stack import Stack
from support.tokens import Mint
from support.ulids import ulid
from support.wire import API
from support.world import World


def pytest_collection_modifyitems(items):
    """What no log may contain is known when all else has run."""
    items.sort(key=lambda item: (item.path.name == "test_secrets.py", item.name.startswith("test_nothing_written_holds")))


@pytest.fixture(scope="session")
def stack():
    env_file = os.environ.get("STACK_ENV")
    if not env_file:
        pytest.exit("STACK_ENV must name the env file of a stack that is up: nginx/up --detach, then .build/local/env", 2)
    stack = Stack(env_file, os.environ.get("STACK_STATE", Path(env_file).parent))
    canaries.add_stack(stack)
    return stack


@pytest.fixture(scope="session")
def api(stack):
    return API(stack["BASE_URL"])


@pytest.fixture(scope="session")
def mint(stack):
    return Mint(stack["JWT_HS256_SECRET"], stack["JWT_ISSUER"], stack["JWT_AUDIENCE"])


@pytest.fixture(scope="session")
def s3(stack):
    return boto3.client(
        "s3", endpoint_url=stack["S3_ENDPOINT"], region_name=stack["S3_REGION"],
        aws_access_key_id=stack["S3_ACCESS_KEY_ID"], aws_secret_access_key=stack["S3_SECRET_ACCESS_KEY"],
        config=Config(s3={"addressing_style": "path"}, connect_timeout=5, read_timeout=10, retries={"max_attempts": 5}))


@pytest.fixture(scope="session")
def shared_object(stack, s3):
    """One object for all tracks whose audio does not matter."""
    key, content = f"audio/shared/{ulid()}.mp3", random.Random(1).randbytes(65_536)
    s3.put_object(Bucket=stack["S3_BUCKET"], Key=key, Body=content)
    yield key, content
    s3.delete_object(Bucket=stack["S3_BUCKET"], Key=key)


@pytest.fixture
def world(stack, mint, s3, shared_object):
    world = World(stack, mint, s3, shared_object)
    yield world
    world.clean_up()


@pytest.fixture
def user(world):
    return world.user()


@pytest.fixture
def track(world, user):
    """A track of `user` that may be streamed."""
    return world.track(user)


@pytest.fixture
def redis(stack):
    with Redis(stack["CACHE_URL"]) as redis:
        yield redis


@pytest.fixture
def key_ring(stack):
    return KeyRing(stack["CACHE_KEYS_FILE"])


@pytest.fixture
def database(stack):
    with Database(stack["DATABASE_URL"]) as database:
        yield database


@pytest.fixture
def words(api, database, redis):
    return Words(api, database, redis)


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
        environment = {name: value for name, value in os.environ.items() if not name.startswith("NOVATUNE_")} | settings
        done = subprocess.run(
            [stack["RESPONDER_BINARY"], *map(str, arguments)], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=60)
        # Some print keys, to standard output, because that is what they are for.
        evidence.keep("standard error of commands", done.stderr.encode())
        return done

    return run


@pytest.fixture
def responders(stack, tmp_path_factory):
    """Makes responders beside the stack's own."""
    made = []

    def make():
        made.append(Responder(stack, tmp_path_factory.mktemp("responder")))
        return made[-1]

    yield make
    for responder in made:
        responder.kill()
