"""Keys and credentials replaced under load."""

import base64
import json
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from harness import canaries
from harness.traffic import Traffic
from harness.waiting import wait_for
from support.rings import replace, ring


def reloads(stack):
    return stack.count_in_log('"reloaded"')


def test_ten_rotations_under_load_lose_no_request(api, stack, world, redis):
    path = Path(stack["CACHE_KEYS_FILE"])
    before = path.read_text()
    mode = path.stat().st_mode & 0o777
    rotated = json.loads(before)
    tracks = world.tracks(world.users(300))
    try:
        with Traffic(
            api, [(each.id, each.owner.token, each) for each in tracks], connections=8, pause=0.005) as traffic:
            for number in range(10):
                last = rotated["current"]
                version = f"rotation-{number}"
                # The former one still opens; the one before it does not any more.
                rotated = ring(version, last, version, keys=rotated["keys"])
                count, answers = reloads(stack), traffic.count
                replace(path, json.dumps(rotated), mode)
                wait_for(lambda: reloads(stack) > count, 10, "a reload")
                wait_for(lambda: traffic.count > answers + 100, 10, "answers")
        assert traffic.count > 1000 and set(traffic.statuses()) <= {200, 429}
        assert traffic.statuses().count(200) > 600
    finally:
        count = reloads(stack)
        replace(path, before, mode)
        wait_for(lambda: reloads(stack) > count, 10, "a reload")


def test_command_rotates_the_ring_of_a_running_responder(stack, responders, tmp_path, world, user, redis, command):
    path = tmp_path / "ring.json"
    path.write_text(json.dumps(ring("v1", "v1")))
    path.chmod(0o600)
    responder = responders().leave_out("CACHE_KEYS").start_on_own_sockets(NOVATUNE_CACHE_KEYS_FILE=str(path))
    assert command("keys", "rotate", "--file", path).returncode == 0
    canaries.add_key_ring(path)
    assert responder.wait_for_event("reloaded")["key_versions"] == "v1 v2"
    track = world.track(user)
    assert responder.ask(track, user.token)[0] == 200
    assert redis.stored(f"stream:{user.id}:{track.id}")[:4] == b"\x01\x02v2"
    assert responder.metrics()['novatune_cache_seals_total{key_version="v2"}'] == 1

    def seals():
        lines = command("keys", "list", "--file", path, NOVATUNE_CACHE_URL=stack["CACHE_URL"]).stdout.splitlines()
        return {line.split()[0]: line.split()[-3] for line in lines[1:]}

    # Shared with the others once a second.
    wait_for(lambda: seals() == {"v1": "0", "v2": "1"}, 10, "the shared count")


def test_key_near_its_limit_is_logged_and_at_its_limit_does_not_seal(
        responders, tmp_path, world, user, redis, command):
    path = tmp_path / "ring.json"
    replace(path, json.dumps(ring("v1", "v1")))
    prefix = f"limit{time.time_ns()}"
    fingerprint = command("keys", "list", "--file", path).stdout.splitlines()[1].split()[2]
    responder = responders().leave_out("CACHE_KEYS").start_on_own_sockets(
        NOVATUNE_CACHE_KEYS_FILE=str(path), NOVATUNE_CACHE_PREFIX=prefix)
    # As if other responders on the same cache had sealed as often.
    redis("INCRBY", f"{prefix}-seals:{fingerprint}", str(2**31))
    warning = responder.wait_for_event("key usage limit near")
    assert warning["key_version"] == "v1" and int(warning["seals"]) >= 2**31 and warning["level"] == "warning"
    sealed = world.track(user)
    assert responder.ask(sealed, user.token)[0] == 200 and redis.has(f"{prefix}:{user.id}:{sealed.id}")
    redis("INCRBY", f"{prefix}-seals:{fingerprint}", str(2**31))
    wait_for(lambda: responder.metrics()['novatune_cache_key_seals{key_version="v1"}'] >= 2**32, 10, "the shared count")
    unsealed = world.track(user)
    assert [responder.ask(unsealed, user.token)[0] for _ in range(2)] == [200, 200]
    assert redis("EXISTS", f"{prefix}:{user.id}:{unsealed.id}") == 0
    assert len(responder.events("key usage limit near")) == 1


# Credentials of the store


def credentials(stack, expiration=None, **changed):
    document = {"Version": 1, "AccessKeyId": stack["S3_ACCESS_KEY_ID"],
        "SecretAccessKey": stack["S3_SECRET_ACCESS_KEY"]} | changed
    return json.dumps(document | ({"Expiration": expiration.strftime("%Y-%m-%dT%H:%M:%SZ")} if expiration else {}))


@pytest.fixture
def with_credentials(stack, responders, tmp_path):
    """A responder whose store credentials stand in a file, and that file."""
    path = tmp_path / "credentials.json"

    def start(text):
        replace(path, text)
        responder = responders().leave_out("S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY").start_on_own_sockets(
            NOVATUNE_S3_CREDENTIALS_FILE=str(path), NOVATUNE_CACHE_PREFIX="credentials")
        return responder, path

    return start


def signed_and_expires(body):
    answer = json.loads(body)
    signed, expires = signed_at(answer["streamUrl"]), datetime.fromisoformat(answer["expiresAt"])
    assert f"X-Amz-Expires={round((expires - signed).total_seconds())}&" in answer["streamUrl"]
    return signed, expires


def signed_at(url):
    text = url.partition("X-Amz-Date=")[2][:16]
    return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)


def test_new_store_credentials_sign_immediately_and_end_urls_of_the_old_ones(stack, with_credentials, world, user):
    responder, path = with_credentials(credentials(stack))
    track = world.track(user)
    first = json.loads(responder.ask(track, user.token)[1])["streamUrl"]
    # The same key under another name, as far as the responder can tell: another document, with an end.
    replace(path, credentials(
        stack, datetime.now(timezone.utc) + timedelta(hours=1), SecretAccessKey="canary-of-another-secret-key"))
    canaries.add("canary-of-another-secret-key")
    responder.wait_for_event("reloaded")
    # The store refuses them, so nothing is issued; what the former ones signed is not handed out either.
    assert responder.ask(track, user.token)[0] == 503
    replace(path, credentials(stack))
    responder.wait_for_event("reloaded", 2)
    again = json.loads(responder.ask(track, user.token)[1])["streamUrl"]
    assert signed_at(again) >= signed_at(first)


def test_no_url_is_signed_that_would_outlive_its_credentials(stack, with_credentials, world, user):
    # Sooner than a URL that is signed now would expire.
    end = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(seconds=100)
    responder, path = with_credentials(credentials(stack, end))
    assert responder.ask(world.track(user), user.token)[0] == 503
    failure = responder.wait_for_event("dependency failed")
    assert failure["code"] == "credentials_end_soon" and "NOVATUNE_S3_CREDENTIALS" in failure["reason"]
    warning = responder.wait_for_event("store credentials end soon")
    assert warning["level"] == "warning" and datetime.fromisoformat(warning["expires_at"]) == end
    assert responder.metrics()["novatune_s3_credentials_expiry_timestamp_seconds"] == end.timestamp()
    wait_for(lambda: responder.readiness()["object_store"]["status"] == "failed", 10, "/readyz")
    replace(path, credentials(stack, datetime.now(timezone.utc) + timedelta(hours=6)))
    responder.wait_for_event("reloaded")
    signed, expires = signed_and_expires(responder.ask(world.track(user), user.token)[1])
    assert expires == signed + timedelta(seconds=120)


def test_expired_credentials_issue_nothing_and_are_reported(stack, with_credentials, world, user):
    responder, _ = with_credentials(credentials(stack, datetime.now(timezone.utc) - timedelta(seconds=1)))
    status, body = responder.ask(world.track(user), user.token)
    assert status == 503 and json.loads(body)["type"].endswith("service-unavailable")
    assert responder.wait_for_event("dependency failed")["code"] == "credentials_expired"


@pytest.mark.parametrize("text, reason", [
    ("{", "not JSON"), ("[]", "not a JSON object"), ('{"Version":2}', "Version"),
    ('{"Version":1,"AccessKeyId":"a"}', "SecretAccessKey"),
    ('{"Version":1,"AccessKeyId":"a","SecretAccessKey":"canary-secret","Expiration":"tomorrow"}', "Expiration"),
    ('{"Version":1,"AccessKeyId":"a","SecretAccessKey":"canary-secret","Expiration":"2026-02-30T00:00:00Z"}',
        "Expiration"),
])
def test_credentials_that_cannot_be_read_are_refused(stack, with_credentials, world, user, text, reason):
    responder, path = with_credentials(credentials(stack))
    replace(path, text)
    refusal = responder.wait_for_event("reload refused")["reason"]
    assert reason in refusal and "NOVATUNE_S3_CREDENTIALS" in refusal and "canary-secret" not in refusal
    assert responder.ask(world.track(user), user.token)[0] == 200


def test_changed_token_secret_file_is_loaded(stack, responders, tmp_path, world, user, mint):
    """Token keys that stand in a file of their own are taken as soon as the file changes."""
    path = tmp_path / "secret"
    replace(path, stack["JWT_HS256_SECRET"])
    responder = responders().leave_out("JWT_HS256_SECRET").start_on_own_sockets(
        NOVATUNE_JWT_HS256_SECRET_FILE=str(path))
    track = world.track(user)
    assert responder.ask(track, user.token)[0] == 200
    other = "canary secret of at least 32 bytes, truly"
    canaries.add(other)
    replace(path, other)
    responder.wait_for_event("reloaded")
    assert responder.ask(track, user.token)[0] == 401
    assert responder.ask(track, mint.hs256(user.id, secret=other.encode()))[0] == 200


def test_changed_json_web_key_set_is_loaded(responders, tmp_path, world, user, mint):
    def key_set(id, secret):
        canaries.add(secret)
        encoded = base64.urlsafe_b64encode(secret.encode()).decode().rstrip("=")
        return json.dumps({"keys": [{"kty": "oct", "kid": id, "alg": "HS256", "k": encoded}]})

    first, second = "canary of the first key set, 32 bytes and more", "canary of the second key set, 32 bytes and more"
    path = tmp_path / "keys.json"
    replace(path, key_set("k1", first))
    responder = responders().leave_out("JWT_HS256_SECRET").start_on_own_sockets(NOVATUNE_JWT_KEYS_FILE=str(path))
    track = world.track(user)
    old, new = (mint.hs256(user.id, secret=secret.encode()) for secret in (first, second))
    assert responder.ask(track, old)[0] == 200 and responder.ask(track, new)[0] == 401
    replace(path, key_set("k2", second))
    responder.wait_for_event("reloaded")
    assert responder.ask(track, old)[0] == 401 and responder.ask(track, new)[0] == 200
    replace(path, '{"keys":[]}')
    assert "NOVATUNE_JWT_KEYS" in responder.wait_for_event("reload refused")["reason"]
    assert responder.ask(track, new)[0] == 200
