"""novatune-streamd revoke as a process: its settings, permissions, pages, end and unit."""

import pytest

from harness.nginx import nginx_with
from harness.waiting import wait_for
from harness.wire import API
from support.revocations import (
    audio, delete, is_given, is_refused, policy, recorded, revoker, revokers, song, until_done, waiting)


def test_a_missing_permission_is_named_and_nothing_is_lost(stack, api, world, s3, revokers, policy, user, song):
    url = api.stream_url(song.id, user.token)
    s3.delete_bucket_policy(Bucket=stack["S3_BUCKET"])
    revoker = revokers().start()
    delete(world, song)
    store = lambda: revoker.readiness()[1].get("object_store", {}).get("reason", "")
    wait_for(lambda: "s3:PutObjectTagging" in store(), 10, "the permission that lacks")
    assert revoker.readiness()[0] == 503 and is_given(url)
    s3.put_bucket_policy(Bucket=stack["S3_BUCKET"], Policy=policy)
    wait_for(lambda: is_refused(url), 30, "403 with the permission")


@pytest.mark.parametrize("setting, value, dependency, reason", [
    ("NOVATUNE_S3_SECRET_ACCESS_KEY", "wrong-secret-of-the-revoker", "object_store", "signature does not match"),
    ("NOVATUNE_S3_ACCESS_KEY_ID", "unknown-id", "object_store", "does not know the access key id"),
    ("NOVATUNE_S3_BUCKET", "another-bucket", "object_store", "no bucket of the name"),
])
def test_what_is_wrong_with_the_settings_is_named(revokers, setting, value, dependency, reason):
    revoker = revokers().start(**{setting: value})
    wait_for(lambda: reason in revoker.readiness()[1].get(dependency, {}).get("reason", ""), 10, reason)
    assert revoker.readiness()[0] == 503


def test_settings_are_checked_without_a_start(stack, command):
    """Before a restart: no server is asked, and no socket opened."""
    settings = {
        "NOVATUNE_DATABASE_URL": "postgresql://novatune_revoker@127.0.0.1:1/none", "NOVATUNE_S3_REGION": "x",
        "NOVATUNE_S3_ENDPOINT": "http://127.0.0.1:1", "NOVATUNE_S3_BUCKET": "none",
        "NOVATUNE_S3_ACCESS_KEY_ID": "id", "NOVATUNE_S3_SECRET_ACCESS_KEY": "a-secret-of-no-store"}
    done = command("revoke", "--settings-only", **settings)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = command("revoke", "--settings-only", **settings, NOVATUNE_REVOKE_WORKERS="0")
    assert done.returncode == 78 and "NOVATUNE_REVOKE_WORKERS" in done.stderr


def test_the_responders_role_is_refused(stack, revokers):
    revoker = revokers().start(NOVATUNE_DATABASE_URL=stack["RESPONDER_DATABASE_URL"])
    reason = lambda: revoker.readiness()[1].get("database", {}).get("reason", "")
    wait_for(lambda: "novatune_revoker" in reason(), 10, "the right role's name")


def test_a_database_that_records_nothing_is_named(stack, revokers):
    stack.sql("update novatune.settings set record_revocations = false")
    try:
        revoker = revokers().start()
        reason = lambda: revoker.readiness()[1].get("recording", {}).get("reason", "")
        wait_for(lambda: "record_revocations = true" in reason(), 10, "what a DBA must run")
        assert revoker.readiness()[0] == 503
    finally:
        stack.sql("update novatune.settings set record_revocations = true")
    revoker.until_ready()


def test_it_finishes_its_work_on_sigterm(stack, world, revokers, audio, user):
    audio(user, 20)
    revoker = revokers().start().until_ready()
    until_done(stack)
    stack.sql(f"update novatune.tracks set status = 'Deleted' where user_id = '{user.id}'")
    assert revoker.stop() == 0
    assert '"drained":"true"' in revoker.log() or '"drained":true' in revoker.log()
    left = waiting(stack)
    tagged = 20 - left
    revoker.start()
    until_done(stack)
    assert revoker.metrics()['novatune_revocation_objects_total{outcome="revoked"}'] == 20 - tagged


def test_check_finds_credentials_that_no_policy_binds(stack, world, command, s3, revoker, policy, user, song):
    config = stack.state / "responder.conf"
    check = lambda *options: next(
        line for line in command("check", "--config", config, *options).stdout.splitlines()
        if line.startswith("revocations "))
    delete(world, song)
    until_done(stack)
    assert " ok " in check()
    assert " ok " in check("--revoked", song.object_key)
    s3.delete_bucket_policy(Bucket=stack["S3_BUCKET"])
    try:
        assert " failed " in check() and "no policy binds" in check()
        assert command("check", "--config", config).returncode == 1
    finally:
        s3.put_bucket_policy(Bucket=stack["S3_BUCKET"], Policy=policy)
    assert " skipped " in check("--revoked", "audio/no-such-object-there-is")


def test_the_process_serves_no_other_page(revoker):
    assert revoker._get("/healthz")[0] == 200
    assert revoker._get("/tracks/x/stream")[0] == 404


def test_nginx_serves_its_pages_to_operators(stack, tmp_path, revoker):
    with nginx_with(stack, tmp_path, REVOKE_SOCKETS=f"unix:{revoker.socket}") as port:
        own = API(f"http://127.0.0.1:{port}")
        assert own.request("GET", "/readyz/revoke/1").json()["status"] == "ready"
        assert b"novatune_revocation_waiting" in own.request("GET", "/metrics/revoke/1").body
        assert own.request("GET", "/healthz/revoke/1").status == 200
        assert own.request("GET", "/metrics/revoke/2").status == 404
