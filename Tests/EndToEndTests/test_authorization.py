"""URLs that players have already end with their users: novatune-streamd authorize, asked by the stack's store."""

import base64
import json
import os
import signal
import socket
import struct
import threading
import urllib.request
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from harness import canaries
from harness.authorizer import PASSWORD, TOKEN, AskingStore, Authorizer, fetched
from harness.nginx import nginx_with
from harness.stack import REPOSITORY
from harness.waiting import wait_for
from harness.wire import API

VECTORS = REPOSITORY / "Tests/StoreAuthorizationTests/Vectors"


def status(url, **headers):
    return fetched(urllib.request.Request(url, headers=headers))[0]


def is_refused(url):
    return status(url) == 403


def is_given(url):
    return status(url) == 200


@pytest.fixture(scope="module")
def recorded(stack):
    """Triggers record, and the role logs in; afterwards neither."""
    stack.sql(f"alter role novatune_authorizer password '{PASSWORD}'")
    stack.sql("delete from novatune.user_revocations; update novatune.settings set record_user_revocations = true")
    yield
    stack.sql("update novatune.settings set record_user_revocations = false; delete from novatune.user_revocations")


@pytest.fixture(scope="module")
def authorizer(stack, recorded, tmp_path_factory):
    authorizer = Authorizer(stack, tmp_path_factory.mktemp("authorize"))
    authorizer.start().until_ready()
    yield authorizer
    authorizer.kill()


@pytest.fixture(scope="module")
def store(stack, authorizer, tmp_path_factory):
    store = AskingStore(stack, tmp_path_factory.mktemp("radosgw"), authorizer.url)
    yield store
    store.stop()


@pytest.fixture
def responder(responders, store):
    return responders().start_on_own_sockets(
        NOVATUNE_PRESIGN_USER="signed", NOVATUNE_S3_ENDPOINT=store.endpoint, NOVATUNE_S3_PUBLIC_ENDPOINT=store.endpoint)


@pytest.fixture
def url(responder):
    """A URL that the responder issues for a track."""

    def issue(track, user):
        code, body = responder.ask(track, user.token)
        assert code == 200, body
        url = json.loads(body)["streamUrl"]
        canaries.add_url(url)
        return url

    return issue


@pytest.fixture
def song(world, user):
    [track] = world.tracks([user], object_key=lambda id: f"audio/authorized/{id} +é.mp3")
    world.put(track.object_key, b"0123456789")
    return track


def test_a_suspended_users_url_is_refused_and_another_users_is_not(authorizer, stack, world, url, user, song):
    other = world.user()
    world.grant(song, other)
    own, others = url(song, user), url(song, other)
    assert "x-nt-u=" in own and own != others
    assert is_given(own) and status(own, Range="bytes=0-1") == 206 and is_given(others)
    world.set_user(user, "status = 'Suspended'")
    wait_for(lambda: is_refused(own), 10, "403 for a suspended user")
    assert status(own, Range="bytes=0-1") == 403
    assert is_given(others)
    world.set_user(user, "status = 'Active'")
    assert is_refused(own)
    assert is_given(url(song, user))
    assert authorizer.counted("sessions_ended") > 0


def test_a_logout_ends_the_urls_before_it(world, url, user, song):
    before = url(song, user)
    assert is_given(before)
    world.set_user(user, "session_epoch = session_epoch + 1")
    wait_for(lambda: is_refused(before), 10, "403 after a logout")
    assert is_given(url(song, user))


def test_a_revoked_grant_ends_the_urls_of_one_track(stack, world, url, user, song):
    guest = world.user()
    [other] = world.tracks([user], object_key=lambda id: f"audio/authorized/{id}.mp3")
    world.put(other.object_key, b"0123456789")
    for track in (song, other):
        world.grant(track, guest)
    revoked, kept, owners = url(song, guest), url(other, guest), url(song, user)
    assert is_given(revoked) and is_given(kept)
    stack.sql(f"select novatune.revoke_access('{song.id}', '{guest.id}')")
    wait_for(lambda: is_refused(revoked), 10, "403 after the end of the grant")
    assert is_given(kept) and is_given(owners)
    world.grant(song, guest)
    wait_for(lambda: is_given(revoked), 10, "200 with a new grant")


def test_other_rows_with_the_positions_of_known_ones_are_read_on_another_connection(stack, world, url, user, song):
    """As on a primary that lost the last rows: its sequence gives their positions again."""
    other = world.user()
    world.grant(song, other)
    own, others = url(song, user), url(song, other)
    world.set_user(user, "session_epoch = session_epoch + 1")
    wait_for(lambda: is_refused(own), 10, "403 after a logout")
    stack.sql(f"update novatune.user_revocations set user_id = '{other.id}', session_epoch = 1000"
              f" where user_id = '{user.id}'")
    assert is_given(others)
    stack.sql("select pg_terminate_backend(pid) from pg_stat_activity"
              " where application_name = 'novatune-streamd authorize'")
    wait_for(lambda: is_refused(others), 10, "403 for the user of the other row")


def test_a_url_without_its_user_is_refused(responders, store, url, user, song):
    """As one that was issued before the setting was on."""
    former = responders().start_on_own_sockets(
        NOVATUNE_S3_ENDPOINT=store.endpoint, NOVATUNE_S3_PUBLIC_ENDPOINT=store.endpoint)
    code, body = former.ask(song, user.token)
    assert code == 200, body
    without = json.loads(body)["streamUrl"]
    assert "x-nt-u" not in without and is_refused(without)
    marked = url(song, user)
    assert is_given(marked)
    # The signature covers it.
    assert is_refused(marked.replace("x-nt-u=", "x-nt-u=0"))


def test_a_browsers_preflight_reaches_the_buckets_cors_rules(authorizer, stack, store, url, user, song):
    def preflight(url, method="GET"):
        return fetched(urllib.request.Request(url, method="OPTIONS", headers={
            "Origin": stack["BASE_URL"], "Access-Control-Request-Method": method}))[0]

    before = authorizer.counted("allowed_preflight")
    assert preflight(url(song, user)) == 200
    assert preflight(f"{store.endpoint}/{stack['S3_BUCKET']}/{song.id}") == 200
    assert preflight(url(song, user), "DELETE") == 403, "which the bucket's rules refuse"
    wait_for(lambda: authorizer.counted("allowed_preflight") == before + 3, what="the count, after the answer")
    assert preflight(f"{store.endpoint}/other/{song.id}") in (403, 404)
    assert authorizer.counted("allowed_preflight") == before + 3


def test_an_anonymous_request_and_a_write_of_the_signer_are_refused(stack, store, s3, url, user, song):
    assert is_refused(url(song, user).partition("?")[0])
    signer = boto3.client(
        "s3", endpoint_url=store.endpoint, region_name=stack["S3_REGION"], aws_access_key_id=stack["S3_ACCESS_KEY_ID"],
        aws_secret_access_key=stack["S3_SECRET_ACCESS_KEY"],
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}))
    for call in (lambda: signer.put_object(Bucket=stack["S3_BUCKET"], Key="new", Body=b""),
                 lambda: signer.delete_object(Bucket=stack["S3_BUCKET"], Key=song.object_key),
                 lambda: signer.get_object(Bucket=stack["S3_BUCKET"], Key=song.object_key),
                 lambda: signer.get_object_tagging(Bucket=stack["S3_BUCKET"], Key=song.object_key),
                 lambda: signer.list_buckets()):
        with pytest.raises(ClientError) as refusal:
            call()
        assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_a_frozen_or_absent_webhook_gives_nothing_and_its_return_does(authorizer, world, store, url, user, song):
    given = url(song, user)
    assert is_given(given)
    os.kill(authorizer.process.pid, signal.SIGSTOP)
    try:
        answers = []
        asking = threading.Thread(target=lambda: answers.append(status(given)))
        asking.start()
        world.set_user(user, "status = 'Suspended'")
        assert not answers
    finally:
        os.kill(authorizer.process.pid, signal.SIGCONT)
    asking.join()
    wait_for(lambda: is_refused(given), 10, "403 for what was suspended while the webhook was frozen")
    world.set_user(user, "status = 'Active'")
    fresh = url(song, user)
    authorizer.kill()
    assert status(fresh) in (403, 500)
    world.set_user(user, "session_epoch = session_epoch + 1")
    authorizer.start().until_ready()
    assert is_refused(fresh) and is_given(url(song, user))
    assert store.process.poll() is None


def test_no_url_is_given_while_the_list_is_old(authorizer, stack, url, user, song):
    given = url(song, user)
    authorizer.kill()
    authorizer.start(NOVATUNE_AUTHORIZE_MAX_AGE="1s").until_ready()
    assert is_given(given)
    with stack.stopped("postgres"):
        wait_for(lambda: is_refused(given), 20, "403 once the list is old")
        wait_for(lambda: authorizer.readiness()[0] == 503, 10, "503 of /readyz")
        assert authorizer.readiness()[1]["database"]["status"] == "failed"
        assert "NOVATUNE_AUTHORIZE_MAX_AGE" in authorizer.readiness()[1]["list"]["reason"]
    wait_for(lambda: is_given(given), 20, "200 after the database's return")
    stack.sql("update novatune.settings set record_user_revocations = false")
    wait_for(lambda: is_refused(given), 10, "403 where nothing is recorded")
    wait_for(lambda: authorizer.readiness()[1]["recording"]["status"] == "failed", 10, "its readiness")
    stack.sql("update novatune.settings set record_user_revocations = true")
    wait_for(lambda: is_given(given), 10, "200 once it is")
    authorizer.kill()
    authorizer.start(NOVATUNE_AUTHORIZE_MAX_AGE="10s").until_ready()


def test_no_url_is_given_while_the_list_is_too_long(authorizer, stack, url, user, song):
    given = url(song, user)
    wait_for(lambda: is_given(given), 10, "200 before")
    stack.sql("insert into novatune.user_revocations (user_id, session_epoch)"
              " select lpad(n::text, 26, '0'), 1 from generate_series(1, 100001) n")
    wait_for(lambda: is_refused(given), 20, "403 with too many revocations")
    code, dependencies = authorizer.readiness()
    assert code == 503 and dependencies["list"]["status"] == "failed" and dependencies["database"]["status"] == "ok"
    assert "recorded_at" in dependencies["list"]["reason"]
    wait_for(lambda: "revocations are too many" in authorizer.log(), what="the log line")
    stack.sql("delete from novatune.user_revocations where user_id < '01'")
    wait_for(lambda: is_given(given), 20, "200 once they are fewer")
    assert authorizer.readiness()[0] == 200


def test_both_keys_of_a_rotation_are_known(authorizer, stack, world, responders, store, user, song, tmp_path):
    ring = tmp_path / "keys.json"
    keys = json.loads(Path(stack["CACHE_KEYS_FILE"]).read_text())
    former_name = keys["current"]

    def write():
        ring.write_text(json.dumps(keys))
        ring.chmod(0o600)

    def issue(track):
        code, body = responders().start_on_own_sockets(
            NOVATUNE_PRESIGN_USER="signed", NOVATUNE_S3_ENDPOINT=store.endpoint,
            NOVATUNE_S3_PUBLIC_ENDPOINT=store.endpoint, NOVATUNE_CACHE_KEYS_FILE=ring).ask(track, user.token)
        assert code == 200, body
        return json.loads(body)["streamUrl"]

    write()
    former = issue(song)
    keys["keys"]["next"] = base64.b64encode(bytes(range(32))).decode()
    keys["current"] = "next"
    write()
    [other] = world.tracks([user], object_key=lambda id: f"audio/authorized/{id}.mp3")
    world.put(other.object_key, b"0123456789")
    current = issue(other)
    assert is_given(former) and is_refused(current), "by a key that is not in its ring"
    authorizer.kill()
    authorizer.start(NOVATUNE_CACHE_KEYS_FILE=str(ring)).until_ready()
    assert is_given(former) and is_given(current)
    # It reads a changed ring by itself.
    key = keys["keys"].pop(former_name)
    write()
    wait_for(lambda: is_refused(former), 10, "403 for a URL by a key that is gone")
    keys["keys"][former_name] = key
    write()
    wait_for(lambda: is_given(former), 10, "200 once it is back")
    assert is_given(current)
    stack.sql(f"select novatune.logout_all('{user.id}', 'x')")
    wait_for(lambda: is_refused(former) and is_refused(current), 10, "403 for URLs by both keys")
    authorizer.kill()
    authorizer.start(NOVATUNE_CACHE_KEYS_FILE=stack["CACHE_KEYS_FILE"]).until_ready()


def test_the_recorded_question_of_minio(authorizer):
    question = (VECTORS / "minio-policy-plugin-get.json").read_bytes()
    before = authorizer.counted("not_listed")
    assert authorizer.ask(question, header="Authorization") == (200, '{"result":false}')
    assert authorizer.ask(question, f"Bearer {TOKEN}", "Authorization") == (200, '{"result":false}')
    wait_for(lambda: authorizer.counted("not_listed") == before + 2, what="the count, after the answer")


def test_what_a_webhook_answers(authorizer):
    question = (VECTORS / "rgw-opa-get.json").read_bytes()
    assert authorizer.ask(question, None) == (403, '{"result":false}')
    assert authorizer.ask(question, TOKEN + "x") == (403, '{"result":false}')
    assert authorizer.ask(b"", None) == (200, '{"result":false}')
    for other in (b"{}", b"text", b'{"input":[]}'):
        assert authorizer.ask(other) == (200, '{"result":false}')


def test_a_question_that_never_ends_is_answered_no(authorizer):
    before = authorizer.counted("late")
    with socket.create_connection(("127.0.0.1", authorizer.port), 10) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nX-Auth-Token: x\r\nContent-Length: 10\r\n\r\n{")
        answer = b""
        while part := connection.recv(4096):
            answer += part
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n") and answer.endswith(b'{"result":false}')
    wait_for(lambda: authorizer.counted("late") == before + 1, what="the count, after the answer")


def test_questions_in_a_row_on_one_connection(authorizer):
    request = f"POST / HTTP/1.1\r\nX-Auth-Token: {TOKEN}\r\nContent-Length: 2\r\n\r\n{{}}".encode()
    with socket.create_connection(("127.0.0.1", authorizer.port), 10) as connection:
        connection.sendall(request * 3)
        answer = b""
        while answer.count(b'{"result":false}') < 3:
            answer += connection.recv(4096)
        # A reset in the middle of the next one ends the connection, and nothing else.
        connection.sendall(request[:20])
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert authorizer.ask(b"{}") == (200, '{"result":false}')


def test_check_finds_a_store_that_does_not_ask(stack, command, store, song):
    config = stack.state / "responder.conf"
    asked = {"NOVATUNE_PRESIGN_USER": "signed", "NOVATUNE_S3_ENDPOINT": store.endpoint,
             "NOVATUNE_S3_PUBLIC_ENDPOINT": store.endpoint}
    check = lambda **settings: [
        line for line in command("check", "--config", config, **settings).stdout.splitlines()
        if line.startswith("authorisation ")]
    assert check() == []
    [line] = check(**asked)
    assert " ok " in line
    [line] = check(NOVATUNE_PRESIGN_USER="signed")
    assert " failed " in line and "rgw_use_opa_authz" in line


@pytest.mark.parametrize("name, value, reason", [
    ("NOVATUNE_AUTHORIZE_WEBHOOK", "0.0.0.0:8181", "loopback"),
    ("NOVATUNE_AUTHORIZE_WEBHOOK", "192.0.2.1:8181", "loopback"),
    ("NOVATUNE_AUTHORIZE_WEBHOOK", "unix:/run/webhook", "127.0.0.1:port"),
    ("NOVATUNE_AUTHORIZE_TOKEN", "short", "at least 16"),
    ("NOVATUNE_AUTHORIZE_ACCOUNTS", "account", "account=action"),
    ("NOVATUNE_AUTHORIZE_ACCOUNTS", "novatune=*", "NOVATUNE_AUTHORIZE_SIGNER"),
    ("NOVATUNE_AUTHORIZE_MAX_AGE", "1s", "NOVATUNE_AUTHORIZE_POLL"),
])
def test_settings_that_are_refused(command, stack, name, value, reason):
    settings = {
        "NOVATUNE_AUTHORIZE_TOKEN": TOKEN, "NOVATUNE_AUTHORIZE_SIGNER": "novatune", "NOVATUNE_S3_BUCKET": "media",
        "NOVATUNE_DATABASE_URL": "postgresql://a@127.0.0.1/b", "NOVATUNE_CACHE_KEYS_FILE": stack["CACHE_KEYS_FILE"]}
    assert command("authorize", "--settings-only", **settings).returncode == 0
    done = command("authorize", "--settings-only", **(settings | {name: value}))
    assert done.returncode == 78 and reason in done.stderr


def test_nginx_serves_its_pages_to_operators(stack, tmp_path, authorizer):
    with nginx_with(stack, tmp_path, AUTHORIZE_SOCKETS=f"unix:{authorizer.socket}") as port:
        own = API(f"http://127.0.0.1:{port}")
        assert own.request("GET", "/readyz/authorize/1").json()["status"] == "ready"
        assert b"novatune_authorization_list_age_seconds" in own.request("GET", "/metrics/authorize/1").body
        assert own.request("GET", "/healthz/authorize/1").status == 200
        assert own.request("GET", "/metrics/authorize/2").status == 404
