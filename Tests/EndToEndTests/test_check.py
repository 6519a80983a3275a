"""`novatune-streamd check`: what is wrong, and what is unwise."""

import pytest

from support.responder import settings
from support.rings import replace


@pytest.fixture
def check(stack, command, tmp_path):
    """Runs it on the stack's settings, changed; lines by their subject."""
    config = tmp_path / "responder.conf"
    replace(config, settings(stack))

    def run(**changes):
        done = command("check", "--config", config, **changes)
        return done, [line.split(None, 2) for line in done.stdout.splitlines()]

    run.config = config
    return run


def warnings(lines):
    return {line[0]: line[2] for line in lines if line[1] == "warning"}


def test_good_settings_are_good(check):
    done, lines = check()
    assert done.returncode == 0 and warnings(lines) == {}
    assert any(line[:1] == ["cache"] and "from file" in line[2] for line in lines)


def test_ring_and_settings_that_others_may_read_are_told(check, stack, tmp_path):
    ring = tmp_path / "ring.json"
    with open(stack["CACHE_KEYS_FILE"]) as source:
        replace(ring, source.read(), mode=0o644)
    check.config.chmod(0o604)
    _, lines = check(NOVATUNE_CACHE_KEYS_FILE=str(ring))
    told = warnings(lines)
    assert f"{ring} may be read by every user" in told["NOVATUNE_CACHE_KEYS_FILE"] and "mode 644" in told["NOVATUNE_CACHE_KEYS_FILE"]
    assert f"{check.config} may be read by every user" in told["--config"]
    ring.chmod(0o640)
    check.config.chmod(0o600)
    assert warnings(check(NOVATUNE_CACHE_KEYS_FILE=str(ring))[1]) == {}


def test_long_lived_urls_and_a_public_endpoint_without_tls_are_told(check):
    told = warnings(check(NOVATUNE_S3_PUBLIC_ENDPOINT="http://media.example.com", NOVATUNE_PRESIGN_EXPIRY="121s")[1])
    assert "use https" in told["NOVATUNE_S3_PUBLIC_ENDPOINT"] and "over 120s" in told["NOVATUNE_PRESIGN_EXPIRY"]
    assert warnings(check(NOVATUNE_S3_PUBLIC_ENDPOINT="https://media.example.com", NOVATUNE_PRESIGN_EXPIRY="120s")[1]) == {}
    # A store on this machine is no production.
    assert warnings(check(NOVATUNE_PRESIGN_EXPIRY="10m")[1]) == {}


def test_token_secret_that_is_too_short_is_refused(check):
    done, lines = check(NOVATUNE_JWT_HS256_SECRET="x" * 31)
    assert done.returncode == 78
    assert any(line[:2] == ["NOVATUNE_JWT_HS256_SECRET", "failed"] and "at least 32 bytes" in line[2] for line in lines)


def test_secrets_are_shown_as_set(check, stack):
    done, lines = check(NOVATUNE_S3_SESSION_TOKEN="canary-session-token")
    shown = {line[0]: line[2] for line in lines if line[1] == "ok"}
    for name in ("NOVATUNE_S3_SECRET_ACCESS_KEY", "NOVATUNE_JWT_HS256_SECRET", "NOVATUNE_DATABASE_URL", "NOVATUNE_CACHE_KEYS",
                 "NOVATUNE_S3_SESSION_TOKEN"):
        assert shown[name] == "set"
    assert "canary" not in done.stdout and stack["JWT_HS256_SECRET"] not in done.stdout + done.stderr
