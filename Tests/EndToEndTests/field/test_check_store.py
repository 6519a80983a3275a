"""`novatune-streamd check` and the object store: which of its causes a refusal has, and what players get."""

import json
from datetime import datetime, timedelta, timezone

import pytest

from harness import canaries, versitygw
from harness.nginx import nginx_with
from harness.responder import settings
from harness.versitygw import Versitygw
from harness.waiting import wait_for
from support.rings import replace
from support.store_proxies import store_proxies


class Findings:
    """The lines of `check`, by their subject; the last of several, `all` of them."""

    def __init__(self, done):
        self.exit_code, self.output = done.returncode, done.stdout + done.stderr
        self._all = [(line[:31].strip(), (line[31:40].strip(), line[40:])) for line in done.stdout.splitlines()]
        self._lines = dict(self._all)

    def all(self, subject):
        return [line for name, line in self._all if name == subject]

    def __getitem__(self, subject):
        assert subject in self._lines, self.output
        return self._lines[subject]

    def __contains__(self, subject):
        return subject in self._lines


@pytest.fixture
def check(stack, command, tmp_path):
    config = tmp_path / "responder.conf"
    replace(config, settings(stack))

    def run(*arguments, **changes):
        return Findings(command("check", "--config", config, *arguments, **changes))

    return run


@pytest.fixture(scope="module")
def other_store(tmp_path_factory):
    if not versitygw.program():
        pytest.skip("no versitygw: neither $VERSITYGW nor PATH has it")
    store = Versitygw(tmp_path_factory.mktemp("versitygw"))
    yield store
    store.stop()


@pytest.fixture(scope="module")
def virtual_store(tmp_path_factory):
    """A store at which buckets are names below localhost, and its settings."""
    if not versitygw.program():
        pytest.skip("no versitygw: neither $VERSITYGW nor PATH has it")
    store = Versitygw(tmp_path_factory.mktemp("virtual"), virtual_domain="localhost")
    yield lambda **changes: store.settings(
        NOVATUNE_S3_ENDPOINT=f"http://localhost:{store.port}", NOVATUNE_S3_ADDRESSING="virtual", **changes)
    store.stop()


@pytest.fixture(scope="module")
def proxies(stack, tmp_path_factory):
    with store_proxies(tmp_path_factory.mktemp("proxies"), stack["S3_ENDPOINT"]) as urls:
        yield urls


@pytest.fixture(scope="module")
def pem(tmp_path_factory, proxies):
    return next(tmp_path_factory.getbasetemp().glob("proxies*"))


def test_object_of_a_new_track_is_read_and_fetched(check, world, user):
    world.track(user)
    found = check()
    assert found.exit_code == 0
    assert found["object store"][0] == found["object"][0] == found["public url"][0] == found["clock"][0] == "ok"
    # Without origins there is no page to allow.
    assert "cors" not in found


def test_tracks_without_their_objects_are_passed_over(check, world, user):
    world.track(user)
    world.tracks([user], each=2, object_key=lambda id: f"audio/missing/{id}.mp3")
    assert check()["object"][0] == "ok"
    world.track(user, object_key="audio/missing/third.mp3")
    found = check()
    assert found.exit_code == 0 and found["object"] == (
        "warning", "of the newest Ready tracks: the object is not in the bucket")
    assert found["public url"][0] == "skipped"


def test_named_object_that_is_missing_fails_and_its_key_is_not_shown(check):
    canaries.add("audio/canary-that-is-missing.mp3", kind="object key")
    found = check("--object", "audio/canary-that-is-missing.mp3")
    assert found.exit_code == 1 and found["object"][0] == "failed"
    assert "canary" not in found.output


# Causes that a store names


def test_permission_to_read_objects_alone_is_enough(check, other_store):
    found = check("--object", versitygw.KEY, **other_store.settings())
    assert found.exit_code == 0
    assert found["object store"][0] == found["object"][0] == found["public url"][0] == "ok"


def test_credentials_that_may_not_read_objects_are_named(check, other_store):
    found = check("--object", versitygw.KEY, **other_store.settings(other_store.stranger))
    assert found.exit_code == 1 and found["object store"][0] == "ok"
    assert found["object"][0] == "failed" and "s3:GetObject on arn:aws:s3:::audio/*" in found["object"][1]


REFUSALS = [
    ({"NOVATUNE_S3_REGION": "eu-central-1"}, "NOVATUNE_S3_REGION=us-east-1"),
    ({"NOVATUNE_S3_BUCKET": "no-such-bucket"}, "NOVATUNE_S3_BUCKET"),
    ({"NOVATUNE_S3_ACCESS_KEY_ID": "unknown"}, "NOVATUNE_S3_ACCESS_KEY_ID"),
    ({"NOVATUNE_S3_SECRET_ACCESS_KEY": "canary-of-a-wrong-secret"}, "NOVATUNE_S3_SECRET_ACCESS_KEY"),
    ({"NOVATUNE_S3_ADDRESSING": "virtual"}, "NOVATUNE_S3_ADDRESSING=path"),
]


@pytest.mark.parametrize("changes, reason", REFUSALS)
def test_cause_of_a_refusal_is_named(check, other_store, changes, reason):
    named = {"NOVATUNE_S3_ENDPOINT": f"http://localhost:{other_store.port}"}
    found = check("--object", versitygw.KEY, **other_store.settings(**named | changes))
    assert found.exit_code == 1
    assert found["object store"][0] == "failed" and reason in found["object store"][1], found.output
    assert found["object"][0] == found["public url"][0] == "skipped"
    assert "canary" not in found.output


def test_bucket_that_is_missing_is_named_under_virtual_addressing(check, responders, virtual_store):
    found = check("--object", versitygw.KEY, **virtual_store())
    assert found.exit_code == 0 and found["object store"][0] == found["object"][0] == "ok", found.output
    missing = virtual_store(NOVATUNE_S3_BUCKET="no-such-bucket")
    found = check("--object", versitygw.KEY, **missing)
    assert found.exit_code == 1 and found["object store"][0] == "failed"
    assert "NOVATUNE_S3_BUCKET" in found["object store"][1], found.output
    responder = responders().leave_out("S3_").start_on_own_sockets(**missing)
    reason = wait_for(lambda: responder.readiness()["object_store"].get("reason"), what="the reason in /readyz")
    assert "NOVATUNE_S3_BUCKET" in reason


def test_name_that_the_store_cannot_hold_is_no_fault_of_the_settings(responders, other_store, world, user):
    """It gives others, and answers 400 for this one."""
    responder = responders().start_on_own_sockets(**other_store.settings(NOVATUNE_CACHE_URL="memory:"))
    good, bad = world.track(user, object_key=versitygw.KEY), world.track(user, object_key=f"audio/{'x' * 300}.mp3")
    for _ in range(2):
        assert responder.ask(good, user.token)[0] == 200
        assert responder.ask(bad, user.token)[0] == 503
    line = responder.wait_for_event("dependency failed")
    assert line["code"] == "invalid_object" and "for this object" in line["reason"]
    assert responder.readiness()["object_store"] == {"status": "ok"}


@pytest.mark.parametrize("changes, reason", REFUSALS)
def test_cause_is_in_readiness_and_in_the_log(responders, other_store, world, user, changes, reason):
    named = {"NOVATUNE_S3_ENDPOINT": f"http://localhost:{other_store.port}"}
    responder = responders().leave_out("S3_").start_on_own_sockets(**other_store.settings(**named | changes))
    assert reason in responder.wait_for_event("dependency unhealthy")["reason"]
    assert reason in responder.readiness()["object_store"]["reason"]
    assert responder.ask(world.track(user, object_key=versitygw.KEY), user.token)[0] == 503
    failure = responder.wait_for_event("dependency failed")
    # A HEAD has the status alone: what a 404, or a name that is not known, comes of, the probe finds out.
    assert reason in failure["reason"] or failure["code"] in ("missing_object", "connect")


def test_responder_that_may_only_read_objects_is_ready(responders, other_store, world, user):
    responder = responders().leave_out("S3_").start_on_own_sockets(**other_store.settings())
    assert responder.ask(world.track(user, object_key=versitygw.KEY), user.token)[0] == 200
    assert responder.readiness()["object_store"] == {"status": "ok"}


# Pages of other origins

HERE, ELSEWHERE = "https://player.example", "https://elsewhere.example"


def rule_in(found):
    """The rule that the operator is to set."""
    (verdict, detail), = found.all("cors rule")
    assert verdict == "warning"
    return json.loads(detail[detail.index("{"):])


@pytest.fixture
def cors(s3):
    """Sets the rules of a bucket that has an object, and gives the arguments and settings of `check` for it."""
    bucket, key = "novatune-cors", "audio/of-a-bucket-with-rules.mp3"
    canaries.add(key, kind="object key")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key=key, Body=b"0123456789")

    def set_rules(check, rules, *origins):
        if rules:
            s3.put_bucket_cors(Bucket=bucket, CORSConfiguration=rules)
        else:
            s3.delete_bucket_cors(Bucket=bucket)
        named = [argument for origin in origins for argument in ("--origin", origin)]
        return check("--object", key, *named, NOVATUNE_S3_BUCKET=bucket)

    yield set_rules
    s3.delete_object(Bucket=bucket, Key=key)
    s3.delete_bucket(Bucket=bucket)


def rules(origins, expose):
    return {"CORSRules": [{"AllowedOrigins": origins, "AllowedMethods": ["GET"], "ExposeHeaders": expose}]}


def test_rule_that_check_prints_is_the_one_that_it_accepts(check, cors):
    found = cors(check, None, HERE, f"{ELSEWHERE}:443/")
    assert found.exit_code == 0 and found["public url"][0] == "ok"
    missing = "no Access-Control-Allow-Origin"
    assert found.all("cors") == [("warning", f"{HERE}: {missing}"), ("warning", f"{ELSEWHERE}: {missing}")]
    found = cors(check, rule_in(found), HERE, ELSEWHERE)
    assert found.exit_code == 0 and found.all("cors") == [("ok", HERE), ("ok", ELSEWHERE)]
    assert "cors rule" not in found


def test_each_origin_has_a_verdict_of_its_own(check, cors):
    found = cors(check, rules([HERE], ["ETag", "Content-Range"]), HERE, ELSEWHERE)
    assert found.exit_code == 0
    assert found.all("cors") == [("ok", HERE), ("warning", f"{ELSEWHERE}: no Access-Control-Allow-Origin")]
    assert rule_in(found)["CORSRules"][0]["AllowedOrigins"] == [HERE, ELSEWHERE]


@pytest.mark.parametrize("expose, hidden", [
    (["Content-Range", "Content-Length"], "ETag"), (["ETag"], "Content-Range"), ([], "ETag, Content-Range")])
def test_header_that_is_not_exposed_is_named(check, cors, expose, hidden):
    found = cors(check, rules(["*"], expose), HERE)
    assert found.exit_code == 0
    assert found.all("cors") == [("warning", f"{HERE}: Access-Control-Expose-Headers lacks {hidden}")]
    assert "ETag" in rule_in(found)["CORSRules"][0]["ExposeHeaders"]


def test_bucket_of_another_store_is_judged_alike(check, other_store):
    def found():
        return check("--object", versitygw.KEY, "--origin", HERE, **other_store.settings())

    before = found()
    assert before.exit_code == 0 and before["public url"][0] == "ok"
    assert before.all("cors") == [("warning", f"{HERE}: no Access-Control-Allow-Origin")]
    other_store.client.put_bucket_cors(Bucket=versitygw.BUCKET, CORSConfiguration=rule_in(before))
    try:
        assert found().all("cors") == [("ok", HERE)]
    finally:
        other_store.client.delete_bucket_cors(Bucket=versitygw.BUCKET)


def test_origins_of_nginx_are_asked_for(check, stack, world, user):
    world.track(user)
    assert check(NOVATUNE_NGINX_CORS_ORIGINS=stack["BASE_URL"]).all("cors") == [("ok", stack["BASE_URL"])]
    found = check(NOVATUNE_NGINX_CORS_ORIGINS=f"{stack['BASE_URL']} {HERE}")
    assert [verdict for verdict, _ in found.all("cors")] == ["ok", "warning"] and HERE in found["cors"][1]


def test_origins_are_not_judged_without_an_object(check):
    canaries.add("audio/canary-of-no-page.mp3", kind="object key")
    found = check("--object", "audio/canary-of-no-page.mp3", "--origin", HERE)
    assert [verdict for verdict, _ in found.all("cors")] == ["skipped"]


@pytest.mark.parametrize("origin", ["player.example", "https://player.example/player/", "*", "null"])
def test_origin_that_no_page_has_is_refused(check, origin):
    found = check("--origin", origin)
    assert found.exit_code == 64 and "https://player.example.com" in found.output


def test_policy_of_the_player_must_name_the_store(check, stack, tmp_path, world, user):
    world.track(user)
    with nginx_with(stack, tmp_path, MEDIA_ORIGINS=stack["S3_ENDPOINT"]) as port:
        origin = f"http://127.0.0.1:{port}"
        assert check("--origin", f"{origin}/").all("player policy") == [("ok", f"{origin} allows {stack['S3_ENDPOINT']}")]
        found = check("--origin", origin, NOVATUNE_S3_PUBLIC_ENDPOINT="http://localhost:1/path")
    assert found.exit_code == 0
    setting = "NOVATUNE_NGINX_MEDIA_ORIGINS=http://localhost:1"
    (first, page), (second, worker) = found.all("player policy")
    assert first == second == "warning" and page.endswith(setting) and worker.endswith(setting)
    assert page.startswith(f"{origin}/player/: media-src") and "stream-worker.js: connect-src" in worker


def test_site_without_the_player_has_no_policy_to_judge(check, proxies, world, user):
    world.track(user)
    for origin in (proxies["as it should be"], "http://127.0.0.1:1"):
        found = check("--origin", origin)
        assert "cors" in found and "player policy" not in found


# Proxies


def test_proxy_that_passes_everything_on_is_right(check, proxies, world, user):
    world.track(user)
    assert check(NOVATUNE_S3_PUBLIC_ENDPOINT=proxies["as it should be"])["public url"][0] == "ok"


@pytest.mark.parametrize("proxy, reason", [
    ("another host", "changes Host"), ("without range", "Range"), ("no store", "NOVATUNE_S3_PUBLIC_ENDPOINT"),
])
def test_proxy_that_breaks_the_urls_of_players_is_named(check, proxies, world, user, proxy, reason):
    world.track(user)
    found = check(NOVATUNE_S3_PUBLIC_ENDPOINT=proxies[proxy])
    assert found.exit_code == 1 and found["object"][0] == "ok"
    assert found["public url"][0] == "failed" and reason in found["public url"][1], found.output


def test_public_endpoint_out_of_reach_is_a_warning(check, world, user):
    world.track(user)
    found = check(NOVATUNE_S3_PUBLIC_ENDPOINT="http://127.0.0.1:1")
    assert found.exit_code == 0 and found["public url"][0] == "warning"


def test_path_that_a_proxy_removes_is_not_signed(check, proxies, responders, world, user):
    track = world.track(user)
    endpoints = {
        "NOVATUNE_S3_ENDPOINT": f"{proxies['path removed']}/s3/",
        "NOVATUNE_S3_PUBLIC_ENDPOINT": f"{proxies['path removed']}/s3",
    }
    found = check(**endpoints)
    assert found.exit_code == 1 and "NOVATUNE_S3_ENDPOINT_PATH=removed" in found["object store"][1]
    found = check(**endpoints, NOVATUNE_S3_ENDPOINT_PATH="removed")
    assert found.exit_code == 0 and found["object"][0] == found["public url"][0] == "ok"
    responder = responders().leave_out("S3_ENDPOINT").start_on_own_sockets(
        **endpoints, NOVATUNE_S3_ENDPOINT_PATH="removed", NOVATUNE_CACHE_PREFIX="paths")
    status, body = responder.ask(track, user.token)
    assert status == 200 and json.loads(body)["streamUrl"].startswith(f"{endpoints['NOVATUNE_S3_PUBLIC_ENDPOINT']}/")


def test_path_that_the_store_sees_is_signed(check, stack, s3, world, user):
    """To the store this path is a bucket, and the bucket's name a part of the key."""
    key, bucket = "audio/below-a-path.mp3", "novatune-path"
    canaries.add(key, kind="object key")
    whole = f"{stack['S3_BUCKET']}/{key}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key=whole, Body=b"0123456789")
    try:
        found = check("--object", key, NOVATUNE_S3_ENDPOINT=f"{stack['S3_ENDPOINT']}/{bucket}")
        assert found.exit_code == 0, found.output
        assert found["object"][0] == found["public url"][0] == "ok"
    finally:
        s3.delete_object(Bucket=bucket, Key=whole)
        s3.delete_bucket(Bucket=bucket)


# Certificates


def test_store_of_a_private_authority_takes_the_certificate_that_is_shown(
        check, stack, responders, proxies, pem, world, user):
    track = world.track(user)
    # Players have no certificate, so they have an endpoint of their own.
    endpoints = {
        "NOVATUNE_S3_ENDPOINT": proxies["client certificate"], "NOVATUNE_S3_PUBLIC_ENDPOINT": stack["S3_ENDPOINT"]}
    files = {
        "NOVATUNE_S3_CA_FILE": str(pem / "ca.crt"), "NOVATUNE_S3_CLIENT_CERTIFICATE_FILE": str(pem / "client.crt"),
        "NOVATUNE_S3_CLIENT_KEY_FILE": str(pem / "client.key"),
    }
    found = check(**endpoints)
    assert found.exit_code == 1 and "certificate" in found["object store"][1].lower(), found.output
    found = check(**endpoints, NOVATUNE_S3_CA_FILE=files["NOVATUNE_S3_CA_FILE"])
    assert found.exit_code == 1 and found["object store"][0] == "failed"
    found = check(**endpoints, **files)
    assert found.exit_code == 0 and found["object"][0] == found["public url"][0] == "ok", found.output
    responder = responders().leave_out("S3_ENDPOINT").start_on_own_sockets(
        **endpoints, **files, NOVATUNE_CACHE_PREFIX="certificates")
    assert responder.ask(track, user.token)[0] == 200


# One object


def test_object_that_is_refused_while_others_are_readable_is_named(stack, s3, responders, world, user):
    good, refused = world.track(user), world.track(user, object_key=world.put("audio/refused/one.mp3", b"0123456789"))
    policy = {
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Deny", "Principal": "*", "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{stack['S3_BUCKET']}/audio/refused/*"}],
    }
    responder = responders().start_on_own_sockets(NOVATUNE_CACHE_PREFIX="refused")
    s3.put_bucket_policy(Bucket=stack["S3_BUCKET"], Policy=json.dumps(policy))
    try:
        assert responder.ask(good, user.token)[0] == 200
        for _ in range(10):
            assert responder.ask(refused, user.token)[0] == 503
    finally:
        s3.delete_bucket_policy(Bucket=stack["S3_BUCKET"])
    failure = responder.wait_for_event("dependency failed")
    assert failure["code"] == "refused_object" and failure["track_id"] == refused.id
    assert "this object" in failure["reason"] and "refused/one" not in responder.log()
    assert responder.metrics()['novatune_breaker_state{dependency="object_store"}'] == 0
    assert responder.readiness()["object_store"] == {"status": "ok"}
    assert responder.ask(refused, user.token)[0] == 200


# Credentials


@pytest.fixture
def check_with_credentials(stack, command, tmp_path):
    """On the stack's settings, with its store credentials in a file in another form."""
    config, path = tmp_path / "responder.conf", tmp_path / "credentials"
    kept = [line for line in settings(stack).splitlines() if "ACCESS_KEY" not in line]
    replace(config, "".join(f"{line}\n" for line in kept))

    def run(text):
        replace(path, text)
        return Findings(command("check", "--config", config, NOVATUNE_S3_CREDENTIALS_FILE=str(path)))

    return run


def document(stack, left, **further):
    end = datetime.now(timezone.utc) + timedelta(seconds=left)
    return json.dumps({
        "AccessKeyId": stack["S3_ACCESS_KEY_ID"], "SecretAccessKey": stack["S3_SECRET_ACCESS_KEY"],
        "Expiration": end.strftime("%Y-%m-%dT%H:%M:%SZ")} | further)


@pytest.mark.parametrize("left, reason", [(-10, "expired"), (60, "before a URL of 120 s would")])
def test_credentials_that_sign_no_url_fail(check_with_credentials, stack, left, reason):
    found = check_with_credentials(document(stack, left, Version=1))
    assert found.exit_code == 1
    assert found["credentials"][0] == "failed" and reason in found["credentials"][1]


def test_credentials_of_the_metadata_service_and_of_a_profile_are_taken(check_with_credentials, stack, world, user):
    world.track(user)
    found = check_with_credentials(document(stack, 3600, Code="Success", Type="AWS-HMAC", Token=""))
    assert found.exit_code == 0 and found["credentials"][0] == found["public url"][0] == "ok", found.output
    found = check_with_credentials(
        f"[default]\naws_access_key_id = {stack['S3_ACCESS_KEY_ID']}\n"
        f"aws_secret_access_key = {stack['S3_SECRET_ACCESS_KEY']}\n")
    assert found.exit_code == 0 and found["public url"][0] == "ok" and "credentials" not in found, found.output
