"""Tracks whose URLs are taken back at the store: fixtures and questions of the tests of novatune-streamd revoke."""

import subprocess
import urllib.error
import urllib.request

import pytest

from harness import canaries
from harness.revoker import Revoker
from harness.waiting import wait_for

NAME, VALUE = "novatune-revoked", "true"
TAGGER = "arn:aws:iam:::user/novatune-revoke"


def status(url, **headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
            answer.read()
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def is_refused(url):
    return status(url) == 403


def is_given(url):
    return status(url) == 200


@pytest.fixture(scope="module")
def policy(stack):
    done = subprocess.run(
        [stack["RESPONDER_BINARY"], "revoke", "policy", "--allow-tagger", TAGGER], capture_output=True, text=True,
        env={"NOVATUNE_S3_BUCKET": stack["S3_BUCKET"]}, timeout=20)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def recorded(stack, s3, policy):
    """Triggers record, and the bucket has its policy; afterwards neither."""
    canaries.add(stack["REVOKE_S3_SECRET_ACCESS_KEY"], stack["REVOKER_PASSWORD"])
    s3.put_bucket_policy(Bucket=stack["S3_BUCKET"], Policy=policy)
    stack.sql("delete from novatune.revocations; update novatune.settings set record_revocations = true")
    yield
    stack.sql("update novatune.settings set record_revocations = false; delete from novatune.revocations")
    s3.delete_bucket_policy(Bucket=stack["S3_BUCKET"])


@pytest.fixture
def revokers(stack, recorded, tmp_path_factory):
    made = []

    def make():
        made.append(Revoker(stack, tmp_path_factory.mktemp("revoke")))
        return made[-1]

    yield make
    for revoker in made:
        revoker.kill()


@pytest.fixture
def revoker(revokers):
    return revokers().start().until_ready()


@pytest.fixture
def audio(world, recorded):
    """Makes tracks with an object each, Ready."""

    def make(user, count=1):
        tracks = world.tracks([user], each=count, object_key=lambda id: f"audio/revocable/{id}.mp3")
        for track in tracks:
            world.put(track.object_key, b"0123456789")
        return tracks

    return make


@pytest.fixture
def song(audio, user):
    return audio(user)[0]


def delete(world, *tracks):
    for track in tracks:
        world.set_track(track, "status = 'Deleted'")


def restore(world, *tracks):
    for track in tracks:
        world.set_track(track, "status = 'Ready'")


def waiting(stack):
    return int(stack.sql("select count(*) from novatune.revocations")[0][0])


def until_done(stack):
    wait_for(lambda: waiting(stack) == 0, 20, "an empty table of revocations")


def tags(stack, s3, key):
    return {tag["Key"]: tag["Value"]
            for tag in s3.get_object_tagging(Bucket=stack["S3_BUCKET"], Key=key)["TagSet"]}
