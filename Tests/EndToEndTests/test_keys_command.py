"""`novatune-streamd keys`: what an operator does with rings."""

import base64
import json
import os
import stat
import struct
import subprocess
import threading

import pytest

from harness import canaries
from harness.recorded import HANG, RecordedAnswers
from harness.waiting import concurrently
from support.rings import ring


def keys_of(path):
    document = json.loads(path.read_text())
    return document["current"], document.get("keys") or document["wrappedKeys"]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "keys.json"
    path.write_text(json.dumps(ring("v1", "v1")))
    path.chmod(0o640)
    return path


def test_new_prints_a_ring_of_32_random_bytes(command):
    documents = [json.loads(command("keys", "new").stdout) for _ in range(2)]
    keys = [base64.b64decode(document["keys"]["v1"], validate=True) for document in documents]
    assert all(
        document["current"] == "v1" and len(key) == 32 for document, key in zip(documents, keys)) and keys[0] != keys[1]
    assert len(base64.b64decode(command("keys", "new", "--bare").stdout.strip(), validate=True)) == 32


def test_new_creates_a_file_for_its_owner_only_and_overwrites_none(command, tmp_path):
    path = tmp_path / "fresh.json"
    assert command("keys", "new", "--output", path, "--version", "2026-11").returncode == 0
    before = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and keys_of(path)[0] == "2026-11"
    done = command("keys", "new", "--output", path)
    assert done.returncode == 1 and "is there already" in done.stderr and path.read_text() == before


def test_rotate_adds_a_version_makes_it_current_and_keeps_the_mode(command, path):
    _, before = keys_of(path)
    done = command("keys", "rotate", "--file", path)
    current, after = keys_of(path)
    assert done.returncode == 0 and current == "v2" and list(after) == ["v1", "v2"] and after["v1"] == before["v1"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert after["v2"] not in done.stdout + done.stderr
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
def test_rotate_keeps_the_owner(command, path):
    os.chown(path, 65534, 65534)
    assert command("keys", "rotate", "--file", path).returncode == 0
    status = path.stat()
    assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o640, 65534, 65534)
    assert keys_of(path)[0] == "v2"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
def test_rotate_keeps_the_group_in_a_setgid_directory(command, path):
    os.chown(path.parent, 0, 65534)
    path.parent.chmod(0o2755)
    os.chown(path, 0, 0)
    assert command("keys", "rotate", "--file", path).returncode == 0
    status = path.stat()
    assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o640, 0, 0)


def access_list(*entries):
    """As the kernel keeps it (acl(5)): a version, and a tag, rights and an id of each entry."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


EVERY_USER = 0xFFFFFFFF


def test_rotate_keeps_the_access_list_and_inherits_none_of_the_directory(command, path):
    for_reader = access_list(
        (1, 6, EVERY_USER), (2, 4, 65534), (4, 0, EVERY_USER), (16, 4, EVERY_USER), (32, 0, EVERY_USER))
    try:
        os.setxattr(path, "system.posix_acl_access", for_reader)
    except OSError as error:
        pytest.skip(f"the file system has no access lists: {error}")
    assert command("keys", "rotate", "--file", path).returncode == 0
    assert os.getxattr(path, "system.posix_acl_access") == for_reader and keys_of(path)[0] == "v2"
    os.removexattr(path, "system.posix_acl_access")
    path.chmod(0o600)
    os.setxattr(path.parent, "system.posix_acl_default", for_reader)
    assert command("keys", "rotate", "--file", path).returncode == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and os.listxattr(path) == []


def test_key_that_cannot_be_printed_is_a_failure(stack):
    for option in ([], ["--bare"]):
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                [stack["RESPONDER_BINARY"], "keys", "new", *option], stdout=full, stderr=subprocess.PIPE, timeout=60)
        assert done.returncode == 1 and b"No space left" in done.stderr


def test_rotation_in_three_steps(command, path):
    command("keys", "rotate", "--file", path, "--stage")
    assert keys_of(path)[0] == "v1" and list(keys_of(path)[1]) == ["v1", "v2"]
    command("keys", "rotate", "--file", path, "--use", "v2")
    assert keys_of(path)[0] == "v2" and list(keys_of(path)[1]) == ["v1", "v2"]
    command("keys", "remove", "--file", path, "v1")
    assert keys_of(path)[0] == "v2" and list(keys_of(path)[1]) == ["v2"]


def test_rotate_follows_a_link_and_replaces_what_it_points_to(command, path, tmp_path):
    link = tmp_path / "link.json"
    link.symlink_to(path.name)
    assert command("keys", "rotate", "--file", link).returncode == 0
    assert link.is_symlink() and keys_of(path)[0] == "v2"


def test_many_concurrent_rotations_lose_no_version(command, path):
    done = concurrently(
        8, lambda number: command("keys", "rotate", "--file", path, "--version", f"by-{number}"), connections=8)
    assert {each.returncode for each in done} == {0}
    assert set(keys_of(path)[1]) == {"v1"} | {f"by-{number}" for number in range(8)}


def test_reader_finds_a_whole_ring_at_any_moment(command, path):
    finished = threading.Event()

    def rotate():
        for _ in range(10):
            command("keys", "rotate", "--file", path)
        finished.set()

    rotating = threading.Thread(target=rotate)
    rotating.start()
    while not finished.is_set():
        current, keys = keys_of(path)
        assert current in keys
    rotating.join()
    assert keys_of(path)[0] == "v11"


@pytest.mark.parametrize("arguments, code, words", [
    (["rotate", "--version", "v1"], 1, "v1 is there already"), (["rotate", "--version", "a b"], 1, "a version is"),
    (["rotate", "--use", "v9"], 1, "no version v9"), (["rotate", "--use", "v1", "--stage"], 64, "--use"),
    (["remove", "v1"], 1, "is the current one"), (["remove", "v9"], 1, "no version v9"),
])
def test_refused_command_is_reported_and_does_not_change_the_file(command, path, arguments, code, words):
    before = path.read_text()
    done = command("keys", *arguments, "--file", path)
    assert done.returncode == code and words in done.stderr and path.read_text() == before
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("text, words", [
    ("{", "not JSON"), ('{"keys":{"v1":"AQEB"}}', 'no "current"'),
    ('{"current":"v1","keys":{"v1":"c2hvcnQ="}}', "version v1: 5 bytes"),
    ('{"current":"v1","keys":{"v1":"canary canary"}}', "version v1: not base64"),
    ('{"current":"v1","keys":{"v1":"AQ==","v1":"AQ=="}}', "version v1 twice"),
])
def test_invalid_file_is_reported_with_its_error(command, path, text, words):
    path.write_text(text)
    done = command("keys", "rotate", "--file", path)
    assert done.returncode == 1 and words in done.stderr and "canary" not in done.stderr and path.read_text() == text


def test_list_shows_versions_and_fingerprints_and_no_key(command, path, tmp_path):
    command("keys", "rotate", "--file", path)
    done = command("keys", "list", "--file", path)
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[0] == ["VERSION", "CURRENT", "FINGERPRINT", "SEALS", "SOURCE"]
    assert [line[0] for line in lines[1:]] == ["v1", "v2"] and lines[2][1] == "yes"
    assert len({line[-4] for line in lines[1:]}) == 2, "two keys with one fingerprint"
    for key in keys_of(path)[1].values():
        for secret in (key, base64.b64decode(key).hex()):
            assert secret not in done.stdout + done.stderr
    # The same key on another host has the same fingerprint.
    copy = tmp_path / "copy.json"
    copy.write_text(path.read_text())
    assert command("keys", "list", "--file", copy).stdout.split()[6:8] == done.stdout.split()[6:8]


# AWS KMS


def test_wrapped_ring_round_trips(command, kms, path, tmp_path):
    wrapped, unwrapped = tmp_path / "wrapped.json", tmp_path / "unwrapped.json"
    command("keys", "rotate", "--file", path)
    assert command("keys", "wrap", "--file", path, "--output", wrapped, **kms.settings()).returncode == 0
    assert not set(keys_of(path)[1].values()) & set(keys_of(wrapped)[1].values())
    assert command("keys", "unwrap", "--file", wrapped, "--output", unwrapped, **kms.settings()).returncode == 0
    assert keys_of(unwrapped) == keys_of(path) and stat.S_IMODE(unwrapped.stat().st_mode) == 0o600


def test_wrapped_ring_is_rotated_with_a_wrapped_key(command, kms, path, tmp_path):
    wrapped = tmp_path / "wrapped.json"
    command("keys", "wrap", "--file", path, "--output", wrapped, **kms.settings())
    assert command("keys", "rotate", "--file", wrapped).returncode == 78
    assert command("keys", "rotate", "--file", wrapped, **kms.settings()).returncode == 0
    assert keys_of(wrapped)[0] == "v2" and "wrappedKeys" in wrapped.read_text()
    plain = json.loads(command("keys", "unwrap", "--file", wrapped, **kms.settings()).stdout)
    assert plain["keys"]["v1"] == keys_of(path)[1]["v1"] and len(base64.b64decode(plain["keys"]["v2"])) == 32
    for key in plain["keys"].values():
        canaries.add_key(key)


def test_key_that_was_wrapped_for_another_version_does_not_unwrap(command, kms, path, tmp_path):
    wrapped = tmp_path / "wrapped.json"
    command("keys", "wrap", "--file", path, "--output", wrapped, **kms.settings())
    wrapped.write_text(wrapped.read_text().replace('"v1"', '"v2"'))
    done = command("keys", "unwrap", "--file", wrapped, **kms.settings())
    assert done.returncode == 1 and "encryption context" in done.stderr and done.stdout == ""


def test_refusals_of_kms_are_explained(command, kms, path, tmp_path):
    wrapped = tmp_path / "wrapped.json"
    command("keys", "wrap", "--file", path, "--output", wrapped, **kms.settings())

    def refusal(**changes):
        done = command("keys", "unwrap", "--file", wrapped, **(kms.settings() | changes))
        assert done.returncode in (1, 69) and done.stdout == "" and len(done.stderr.splitlines()) == 1
        return done.stderr

    # moto tells what was wrong in XML, where AWS does in JSON; what AWS says is recorded below.
    assert "answered 403" in refusal(**kms.settings(user=kms.denied))
    assert "answered 403" in refusal(NOVATUNE_KMS_SECRET_ACCESS_KEY="canary-wrong-secret")
    assert "answered 403" in refusal(NOVATUNE_KMS_ACCESS_KEY_ID="AKIAUNKNOWN000000000")
    assert "tls" in refusal(NOVATUNE_KMS_CA_BUNDLE="/etc/ssl/certs/ca-certificates.crt")
    assert "does not answer" in refusal(
        NOVATUNE_KMS_ENDPOINT="https://127.0.0.1:1", NOVATUNE_CACHE_KEYS_TIMEOUT="200ms")


def test_kms_over_a_network_without_tls_is_refused(command, kms, path):
    done = command(
        "keys", "wrap", "--file", path, **(kms.settings() | {"NOVATUNE_KMS_ENDPOINT": "http://kms.example.com"}))
    assert done.returncode == 78 and "NOVATUNE_KMS_ENDPOINT: https" in done.stderr


def test_settings_of_kms_without_a_key_are_refused(command, kms, path):
    settings = kms.settings()
    del settings["NOVATUNE_KMS_KEY_ID"]
    done = command("keys", "wrap", "--file", path, **settings)
    assert done.returncode == 78 and "NOVATUNE_KMS_KEY_ID" in done.stderr


# Answers of AWS KMS as they were recorded, given by a server on this machine

PLAINTEXT = {"KeyId": "k", "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
    "Plaintext": base64.b64encode(b"canary-canary-canary-canary-cana").decode()}


def refused(type, message=""):
    return 400, {"__type": type, "message": message}


@pytest.fixture
def unwrap(command, path, tmp_path):
    """Unwraps a ring with a service that gives these answers one after the other, the last one for ever."""
    path.write_text('{"current":"v1","wrappedKeys":{"v1":"d3JhcHBlZA=="}}')

    def run(*answers, **settings):
        with RecordedAnswers(*answers) as service:
            done = command(
                "keys", "unwrap", "--file", path, NOVATUNE_KMS_ENDPOINT=service.endpoint,
                NOVATUNE_KMS_REGION="eu-central-1",
                NOVATUNE_KMS_KEY_ID="alias/cache", NOVATUNE_KMS_ACCESS_KEY_ID="AKIA",
                NOVATUNE_KMS_SECRET_ACCESS_KEY="canary-secret",
                NOVATUNE_KMS_SESSION_TOKEN="canary-token", **settings)
        return done, service.requests

    return run


def test_request_equals_that_of_the_aws_documentation(unwrap):
    done, (request,) = unwrap((200, PLAINTEXT))
    assert done.returncode == 0 and json.loads(done.stdout)["keys"]["v1"] == PLAINTEXT["Plaintext"]
    assert request.headers["X-Amz-Target"] == "TrentService.Decrypt"
    assert request.headers["Content-Type"] == "application/x-amz-json-1.1"
    assert request.headers["X-Amz-Security-Token"] == "canary-token"
    signed_headers = "content-type;host;x-amz-date;x-amz-security-token;x-amz-target"
    assert f"/eu-central-1/kms/aws4_request, SignedHeaders={signed_headers}, " in request.headers["Authorization"]
    assert json.loads(request.body) == {
        "KeyId": "alias/cache", "CiphertextBlob": "d3JhcHBlZA==",
        "EncryptionContext": {"novatune:purpose": "stream-url-cache", "novatune:key-version": "v1"},
    }


def test_throttled_request_is_repeated_until_it_is_answered(unwrap):
    throttled = refused("ThrottlingException", "You have exceeded the rate at which you may call KMS.")
    done, requests = unwrap(throttled, (500, {"__type": "KMSInternalException"}), (200, PLAINTEXT))
    assert done.returncode == 0 and len(requests) == 3


@pytest.mark.parametrize("answer, code, words", [
    (refused("ThrottlingException"), 69, "is throttling"),
    (refused("AccessDeniedException", "User: canary is not authorized to perform: kms:Decrypt"), 1, "denies access"),
    (refused("InvalidCiphertextException"), 1, "encryption context"),
    (refused("ExpiredTokenException", "The security token included in the request is expired"), 69, "have expired"),
    (refused("InvalidSignatureException", "Signature expired: 20260108T120000Z is now earlier than canary"), 69,
        "clock"),
    ((200, {"Plaintext": "c2hvcnQ="}), 1, "5 bytes instead of 32"), ((200, {}), 69, "without a Plaintext"),
    ((200, "<html>canary</html>"), 69, "not JSON"), ((200, "x" * 20_000), 69, "too large"),
    ((302, {}), 1, "answered 302"),
    (HANG, 69, "does not answer"),
], ids=lambda value: None if isinstance(value, (tuple, int)) else str(value))
def test_refusal_is_explained_without_its_original_text(unwrap, answer, code, words):
    # What is silent or may get better is waited for until the limit; whatever else is answered needs none.
    limit = "700ms" if answer == HANG else "2s" if words in ("is throttling", "too large") else "10s"
    done, _ = unwrap(answer, NOVATUNE_CACHE_KEYS_TIMEOUT=limit)
    assert done.returncode == code and words in done.stderr and done.stdout == "" and "canary" not in done.stderr


def test_refusal_is_reported_instead_of_the_timeout_after_it(unwrap):
    done, requests = unwrap(refused("ThrottlingException"), HANG, NOVATUNE_CACHE_KEYS_TIMEOUT="2s")
    assert done.returncode == 69 and "is throttling" in done.stderr and len(requests) == 2
