"""Store credentials from the services of containers, instances and STS."""

import json
import signal
import time
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

import pytest
from moto.server import ThreadedMotoServer

from harness import canaries, credential_services
from harness.credential_services import AUTHORIZATION, IDENTITY, ROLE, SESSION, CredentialServices
from harness.responder import settings
from harness.traffic import Traffic
from harness.waiting import wait_for
from support.outages import assert_only_200_and_503
from support.rings import replace

ROTATED, SECRET = "canary.rotated.web.identity", "canary-of-a-secret-that-no-store-knows"
canaries.add(AUTHORIZATION, IDENTITY, SESSION, ROTATED, SECRET)


@pytest.fixture
def services(stack):
    services = CredentialServices(stack["S3_ACCESS_KEY_ID"], stack["S3_SECRET_ACCESS_KEY"], left=3600)
    with credential_services.running(services) as services.url:
        yield services


@pytest.fixture
def origin(services, tmp_path):
    """The settings for each service."""

    def settings(name):
        token = tmp_path / "token"
        replace(token, f"{AUTHORIZATION if name == 'container' else IDENTITY}\n")
        return {"NOVATUNE_S3_CREDENTIALS_SOURCE": name, "NOVATUNE_CACHE_PREFIX": "services"} | {
            "container": {
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{services.url}/container",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(token)},
            "instance": {"AWS_EC2_METADATA_SERVICE_ENDPOINT": services.url},
            "web-identity": {
                "AWS_ENDPOINT_URL_STS": services.url, "AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": str(token)},
        }[name]

    return settings


@pytest.fixture
def responder(responders):
    return responders().leave_out("S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY")


@pytest.fixture
def config(stack, tmp_path):
    """The stack's settings without store credentials."""
    path = tmp_path / "responder.conf"
    replace(path, "".join(f"{line}\n" for line in settings(stack).splitlines() if "ACCESS_KEY" not in line))
    return path


@pytest.mark.parametrize("name", ["container", "instance", "web-identity"])
def test_credentials_of_a_service_sign_urls(responder, origin, world, user, name):
    responder.start_on_own_sockets(**origin(name))
    status, body = responder.ask(world.track(user), user.token)
    assert status == 200 and "X-Amz-Expires=120" in json.loads(body)["streamUrl"]


@pytest.fixture(scope="module")
def moto():
    """Its STS makes up a session of the role, its metadata service always gives the same credentials. They take every
    token: what a service refuses is shown by the tests' own."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://%s:%d" % server.get_host_and_port()
    server.stop()


def test_credentials_of_motos_metadata_service_sign_urls_with_their_token(responder, moto, world, user):
    # No store here knows the session, so none is asked for the object.
    responder.start_on_own_sockets(
        NOVATUNE_S3_CREDENTIALS_SOURCE="instance", AWS_EC2_METADATA_SERVICE_ENDPOINT=moto, NOVATUNE_S3_VERIFY="none",
        NOVATUNE_CACHE_URL="memory:")
    status, body = responder.ask(world.track(user), user.token)
    assert status == 200
    query = parse_qs(urlsplit(json.loads(body)["streamUrl"]).query)
    assert query["X-Amz-Credential"][0].startswith("test-key/")
    assert query["X-Amz-Security-Token"] == ["test-session-token"]
    # moto says that they end a day later.
    assert responder.metrics()["novatune_s3_credentials_expiry_timestamp_seconds"] > time.time() + 3600


def test_check_asks_motos_metadata_service(command, config, moto):
    check = lambda endpoint: command(
        "check", "--config", config, NOVATUNE_S3_CREDENTIALS_SOURCE="instance",
        AWS_EC2_METADATA_SERVICE_ENDPOINT=endpoint)
    lines = {line[:31].strip(): line[31:] for line in check(moto).stdout.splitlines()}
    assert lines["credentials"].startswith("ok ") and "end at" in lines["credentials"]
    # The store does not know them.
    assert lines["object store"].startswith("failed ") and "NOVATUNE_S3_ACCESS_KEY_ID" in lines["object store"]
    # Nothing listens there.
    done = check("http://127.0.0.1:1")
    assert done.returncode == 69 and "metadata service" in done.stdout + done.stderr


def test_session_of_sts_signs_urls_with_its_token(responder, moto, tmp_path, world, user):
    token = tmp_path / "token"
    replace(token, f"{IDENTITY}\n")
    # No store here knows the session, so none is asked for the object.
    responder.start_on_own_sockets(
        NOVATUNE_S3_CREDENTIALS_SOURCE="web-identity", AWS_ENDPOINT_URL_STS=moto, AWS_ROLE_ARN=ROLE,
        AWS_WEB_IDENTITY_TOKEN_FILE=str(token), NOVATUNE_S3_VERIFY="none", NOVATUNE_CACHE_URL="memory:")
    status, body = responder.ask(world.track(user), user.token)
    assert status == 200
    query = parse_qs(urlsplit(json.loads(body)["streamUrl"]).query)
    assert query["X-Amz-Credential"][0].startswith("ASIA") and len(query["X-Amz-Security-Token"][0]) > 100


def test_credentials_are_renewed_ahead_of_their_end(responder, services, origin, stack, world, user):
    services.give(stack["S3_ACCESS_KEY_ID"], "canary-of-a-secret-that-is-over", left=200)
    canaries.add("canary-of-a-secret-that-is-over")
    responder.start_on_own_sockets(**origin("container"))
    # What it began with is refused by the store, and ends in 200 s.
    assert responder.ask(world.track(user), user.token)[0] == 503
    services.give(stack["S3_ACCESS_KEY_ID"], stack["S3_SECRET_ACCESS_KEY"], left=3600)
    # It asks every 15 s.
    wait_for(lambda: responder.events("reloaded"), 25, "the new credentials")
    assert responder.ask(world.track(user), user.token)[0] == 200


@pytest.mark.parametrize("name", ["container", "instance", "web-identity"])
def test_requests_go_on_past_credentials_that_end_and_no_url_outlives_its_own(
        responder, front, services, origin, world, user, name):
    lifetime = timedelta(seconds=60)
    # The first ones can sign for 4 s, and none of their URLs may be valid after their end.
    services.give("first", SECRET, left=64)
    ends = {"first": services.end}
    services.give_next("second", SECRET, left=3600)
    cached, *others = world.tracks([user], each=300)
    requests = [(track.id, user.token, track) for other in others for track in (other, cached)]
    # No store knows the pairs, so none is asked for the objects.
    responder.start_on_own_sockets(
        **origin(name) | {"NOVATUNE_CACHE_URL": "memory:"}, NOVATUNE_S3_VERIFY="none", NOVATUNE_PRESIGN_EXPIRY="60s")
    now = lambda: datetime.now(timezone.utc)
    api, offset = front(responder), time.time() - time.monotonic()
    moment = lambda seconds: datetime.fromtimestamp(seconds + offset, timezone.utc)
    with Traffic(api, requests, connections=2, pause=0.05) as traffic:
        reloaded = wait_for(lambda: responder.events("reloaded"), 30, "the renewal")[0]
        renewed = datetime.fromisoformat(reloaded["timestamp"])
        wait_for(lambda: now() > ends["first"] - lifetime + timedelta(seconds=1), 30, "a time when the first sign none")
        since = time.monotonic()
        wait_for(lambda: traffic.has_settled(since), 30, "200 by the second ones")
    ends["second"] = services.end
    assert renewed < ends["first"]
    assert_only_200_and_503(traffic.samples())
    signers = set()
    for sample in traffic.samples():
        # A machine that is busy may renew them later than 4 s after they were given.
        if moment(sample.ended) < ends["first"] - lifetime or moment(sample.started) > renewed:
            assert sample.status == 200, sample
        if sample.status == 200:
            answer = sample.answer.json()
            signer = parse_qs(urlsplit(answer["streamUrl"]).query)["X-Amz-Credential"][0].partition("/")[0]
            assert datetime.fromisoformat(answer["expiresAt"]) <= ends[signer], sample
            signers.add(signer)
    assert "second" in signers


def test_web_identity_token_is_read_again_for_each_session(responder, services, origin, stack, world, user, tmp_path):
    responder.start_on_own_sockets(**origin("web-identity"))
    # As Kubernetes rotates it.
    services.identity = ROTATED
    responder.process.send_signal(signal.SIGHUP)
    refusal = responder.wait_for_event("reload refused")["reason"]
    assert "STS answered 400" in refusal
    services.give(stack["S3_ACCESS_KEY_ID"], stack["S3_SECRET_ACCESS_KEY"], left=7200)
    replace(tmp_path / "token", f"{ROTATED}\n")
    responder.process.send_signal(signal.SIGHUP)
    responder.wait_for_event("reloaded")
    assert responder.metrics()["novatune_s3_credentials_expiry_timestamp_seconds"] == services.end.timestamp()
    assert responder.ask(world.track(user), user.token)[0] == 200


def test_service_that_fails_is_named_at_the_start(command, services, origin, config):
    services.status = 503
    done = command("check", "--config", config, **origin("instance"))
    assert done.returncode == 69 and "metadata service answered 503" in done.stdout + done.stderr
    services.status = 403
    done = command("check", "--config", config, **origin("container"))
    assert done.returncode == 78 and "container's endpoint answered 403" in done.stdout + done.stderr
