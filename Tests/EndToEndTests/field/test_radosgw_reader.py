"""radosgw's users and policies: one that may read objects and nothing else."""

import json
import os
import subprocess

import boto3
import pytest
from botocore.config import Config

from harness import canaries
from harness.ulids import ulid
from harness.waiting import wait_for
from harness.wire import fetch


@pytest.fixture(scope="module")
def reader(stack):
    """A bucket of the stack's user, and settings of another user, whom its policy allows s3:GetObject alone."""
    name, bucket = f"reader{ulid()[-8:].lower()}", f"objects-{ulid()[-8:].lower()}"

    def admin(*arguments):
        done = subprocess.run(
            ["radosgw-admin", "-n", "client.rgw", "user", *arguments, "--uid", name],
            env=os.environ | {"CEPH_CONF": str(stack.state / "s3/ceph.conf")}, capture_output=True, text=True,
            timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    [key] = json.loads(admin("create", "--display-name", "Reader"))["keys"]
    canaries.add(key["secret_key"], kind="S3 secret key")
    canaries.add(key["access_key"], kind="S3 access key id")
    owner = boto3.client(
        "s3", endpoint_url=stack["S3_ENDPOINT"], region_name=stack["S3_REGION"],
        aws_access_key_id=stack["S3_ACCESS_KEY_ID"], aws_secret_access_key=stack["S3_SECRET_ACCESS_KEY"],
        config=Config(s3={"addressing_style": "path"}))
    owner.create_bucket(Bucket=bucket)
    statements = [
        {"Effect": "Allow", "Principal": {"AWS": [f"arn:aws:iam:::user/{name}"]}, "Action": ["s3:GetObject"],
         "Resource": [f"arn:aws:s3:::{bucket}/*"]},
        {"Effect": "Deny", "Principal": {"AWS": [f"arn:aws:iam:::user/{name}"]}, "Action": ["s3:GetObject"],
         "Resource": [f"arn:aws:s3:::{bucket}/audio/forbidden/*"]}]
    owner.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))
    yield lambda key, body: owner.put_object(Bucket=bucket, Key=key, Body=body), {
        "NOVATUNE_S3_BUCKET": bucket, "NOVATUNE_S3_ACCESS_KEY_ID": key["access_key"],
        "NOVATUNE_S3_SECRET_ACCESS_KEY": key["secret_key"], "NOVATUNE_CACHE_URL": "memory:"}
    admin("rm")


@pytest.fixture
def tracks(reader, world, user):
    """One whose object may be read, one that is not there, one that is forbidden."""
    put, _ = reader
    found = {}
    for kind in ("allowed", "missing", "forbidden"):
        found[kind] = world.track(user, object_key=f"audio/{kind}/{ulid()}.mp3")
        if kind != "missing":
            put(found[kind].object_key, b"0123456789")
    return found


def test_permission_to_read_objects_alone_streams_and_is_ready(reader, responders, tracks, user, command):
    _, settings = reader
    responder = responders().leave_out("S3_ACCESS", "S3_SECRET").start_on_own_sockets(**settings)
    status, body = responder.ask(tracks["allowed"], user.token)
    assert status == 200
    assert fetch(json.loads(body)["streamUrl"], {"Range": "bytes=0-1"}).body == b"01"
    assert responder.readiness()["object_store"] == {"status": "ok"}
    wait_for(lambda: responder.gate("/readyz")[0] == 200, what="readiness")
    checked = command(
        "check", "--config", responder.config, "--object", tracks["allowed"].object_key, **settings)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("kind", ["missing", "forbidden"])
def test_object_that_is_refused_is_that_objects_fault(reader, responders, tracks, user, kind):
    """Without s3:ListBucket radosgw says 403 for an object that is not there, too: the log names both causes."""
    _, settings = reader
    responder = responders().leave_out("S3_ACCESS", "S3_SECRET").start_on_own_sockets(**settings)
    assert responder.ask(tracks["allowed"], user.token)[0] == 200
    assert responder.ask(tracks[kind], user.token)[0] == 503
    line = responder.wait_for_event("dependency failed")
    assert line["code"] in ("refused_object", "missing_object"), line
    if line["code"] == "refused_object":
        assert "it is not there" in line["reason"] and "a policy" in line["reason"]
    assert responder.readiness()["object_store"] == {"status": "ok"}
    assert responder.ask(tracks["allowed"], user.token)[0] == 200
