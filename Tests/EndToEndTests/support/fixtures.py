"""Fixtures of the tests that make users, tracks, objects and responders of their own."""

import random

import boto3
import pytest
from botocore.config import Config

from harness.responder import Responder
from harness.ulids import ulid
from support.world import World


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
def responders(stack, tmp_path_factory):
    """Makes responders beside the stack's own."""
    made = []

    def make():
        made.append(Responder(stack, tmp_path_factory.mktemp("responder")))
        return made[-1]

    yield make
    for responder in made:
        responder.kill()
