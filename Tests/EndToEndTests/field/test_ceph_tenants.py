"""A bucket in a tenant of Ceph's object gateway, where names of buckets and users are the tenant's own."""

import json
import os
import subprocess

import boto3
import pytest
from botocore.config import Config

from harness import canaries
from harness.ulids import ulid
from harness.wire import fetch


@pytest.fixture(scope="module")
def tenant(stack):
    """Settings of a user in a tenant. Its bucket has the name of the stack's own; the objects differ."""
    name, user = f"label{ulid()[-8:].lower()}", "reader"

    def admin(*arguments):
        done = subprocess.run(
            ["radosgw-admin", "-n", "client.rgw", "user", *arguments, "--tenant", name, "--uid", user],
            env=os.environ | {"CEPH_CONF": str(stack.state / "s3/ceph.conf")}, capture_output=True, text=True,
            timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    # The store invents the keys, so that no secret is on a command line.
    [key] = json.loads(admin("create", "--display-name", "Reader"))["keys"]
    canaries.add(key["secret_key"], kind="S3 secret key")
    canaries.add(key["access_key"], kind="S3 access key id")
    client = boto3.client(
        "s3", endpoint_url=stack["S3_ENDPOINT"], region_name=stack["S3_REGION"], aws_access_key_id=key["access_key"],
        aws_secret_access_key=key["secret_key"], config=Config(s3={"addressing_style": "path"}))
    client.create_bucket(Bucket=stack["S3_BUCKET"])
    yield client, name, {
        "NOVATUNE_S3_ACCESS_KEY_ID": key["access_key"], "NOVATUNE_S3_SECRET_ACCESS_KEY": key["secret_key"]}
    admin("rm", "--purge-data")


@pytest.fixture
def tenants_track(stack, tenant, world, user):
    """Whose object only the tenant's bucket has."""
    client, _, _ = tenant
    track = world.track(user, object_key=f"audio/of-a-tenant/{ulid()}.mp3")
    client.put_object(Bucket=stack["S3_BUCKET"], Key=track.object_key, Body=b"0123456789")
    return track


@pytest.mark.parametrize("form", ["{bucket}", "{tenant}:{bucket}"])
def test_bucket_of_a_tenant_is_reached_by_a_user_of_the_tenant(stack, tenant, responders, tenants_track, command, form):
    _, name, settings = tenant
    settings = settings | {"NOVATUNE_S3_BUCKET": form.format(tenant=name, bucket=stack["S3_BUCKET"])}
    responder = responders().leave_out("S3_ACCESS", "S3_SECRET").start_on_own_sockets(
        **settings, NOVATUNE_CACHE_URL="memory:")
    status, body = responder.ask(tenants_track, tenants_track.owner.token)
    assert status == 200
    answer = fetch(json.loads(body)["streamUrl"], {"Range": "bytes=0-1"})
    assert (answer.status, answer.body) == (206, b"01")
    assert responder.readiness()["object_store"] == {"status": "ok"}
    checked = command(
        "check", "--config", responder.config, "--object", tenants_track.object_key, **settings)
    assert checked.returncode == 0, checked.stdout
    found = {line[:31].strip(): line[31:40].strip() for line in checked.stdout.splitlines()}
    assert found["object store"] == found["object"] == found["public url"] == "ok"


def test_user_of_no_tenant_has_another_bucket_of_that_name(responders, tenants_track):
    responder = responders().start_on_own_sockets(NOVATUNE_CACHE_URL="memory:")
    assert responder.ask(tenants_track, tenants_track.owner.token)[0] == 503
    assert responder.wait_for_event("dependency failed")["code"] == "missing_object"


def test_bucket_of_another_tenant_is_read_where_its_policy_allows_it(stack, tenant, responders, tenants_track):
    """By the stack's own user, who is in no tenant."""
    client, name, _ = tenant
    [statement] = [{
        "Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": ["s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{stack['S3_BUCKET']}/*"]}]
    client.put_bucket_policy(
        Bucket=stack["S3_BUCKET"], Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    try:
        responder = responders().start_on_own_sockets(
            NOVATUNE_S3_BUCKET=f"{name}:{stack['S3_BUCKET']}", NOVATUNE_CACHE_URL="memory:")
        status, body = responder.ask(tenants_track, tenants_track.owner.token)
        assert status == 200
        assert fetch(json.loads(body)["streamUrl"], {"Range": "bytes=0-1"}).body == b"01"
    finally:
        client.delete_bucket_policy(Bucket=stack["S3_BUCKET"])
