"""The local stack's responder with store credentials from a file, in the forms that AWS's tools write."""

import json
from datetime import datetime, timedelta, timezone

import pytest

from harness.wire import fetch
from support.rings import replace

END = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(hours=2)


def document(id, secret):
    return json.dumps({
        "Version": 1, "AccessKeyId": id, "SecretAccessKey": secret, "Expiration": END.strftime("%Y-%m-%dT%H:%M:%SZ")})


def profile(id, secret):
    return (
        f"[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n"
        f"aws_expiration = {END.isoformat()}\n")


@pytest.fixture(params=[document, profile], ids=["document", "profile"])
def credentials(request, stack, tmp_path):
    path = tmp_path / "credentials"
    replace(path, request.param(stack["S3_ACCESS_KEY_ID"], stack["S3_SECRET_ACCESS_KEY"]))
    return {"NOVATUNE_S3_CREDENTIALS_FILE": str(path)}


def test_urls_of_a_stack_with_credentials_from_a_file_are_played(stack, api, world, user, track, credentials):
    with stack.responder_with(**credentials):
        answer = fetch(api.stream_url(track.id, user.token))
        metrics = api.request("GET", "/metrics/1").body.decode()
    assert answer.status == 200 and answer.body == world.shared_content
    # The pair in the stack's own file has no end.
    (line,) = [line for line in metrics.splitlines() if line.startswith("novatune_s3_credentials_expiry_timestamp_")]
    assert float(line.split()[1]) == END.timestamp()


def test_check_takes_a_stacks_credentials_from_a_file(stack, command, credentials):
    done = command("check", "--config", stack.state / "responder.conf", **credentials)
    lines = {line[:31].strip(): line[31:] for line in done.stdout.splitlines()}
    assert done.returncode == 0, done.stdout + done.stderr
    assert lines["credentials"].startswith("ok ") and END.strftime("%Y-%m-%dT%H:%M:%SZ") in lines["credentials"]
    assert lines["object store"].startswith("ok ")
