"""`novatune-streamd check`: what is wrong, and what is unwise."""

import json

import pytest

from harness import canaries
from harness.responder import settings
from support.rings import replace


@pytest.fixture
def check(stack, command, tmp_path):
    """Runs it on the stack's settings, changed; lines by their subject."""
    config = tmp_path / "responder.conf"
    replace(config, settings(stack))

    def run(*arguments, **changes):
        done = command("check", *arguments, "--config", config, **changes)
        return done, [line.split(None, 2) for line in done.stdout.splitlines()]

    run.config = config
    return run


def warnings(lines):
    return {line[0]: line[2] for line in lines if line[1] == "warning"}


def test_valid_settings_pass(check):
    done, lines = check()
    assert done.returncode == 0 and warnings(lines) == {}
    assert any(line[:1] == ["cache"] and "from file" in line[2] for line in lines)


def test_ring_and_settings_that_others_may_read_are_reported(check, stack, tmp_path):
    ring = tmp_path / "ring.json"
    with open(stack["CACHE_KEYS_FILE"]) as source:
        replace(ring, source.read(), mode=0o644)
    check.config.chmod(0o604)
    _, lines = check(NOVATUNE_CACHE_KEYS_FILE=str(ring))
    reported = warnings(lines)
    advice = reported["NOVATUNE_CACHE_KEYS_FILE"]
    assert f"{ring} may be read by every user" in advice and "mode 644" in advice
    assert f"{check.config} may be read by every user" in reported["--config"]
    ring.chmod(0o640)
    check.config.chmod(0o600)
    assert warnings(check(NOVATUNE_CACHE_KEYS_FILE=str(ring))[1]) == {}


def test_long_lived_urls_and_a_public_endpoint_without_tls_are_reported(check):
    reported = warnings(
        check(NOVATUNE_S3_PUBLIC_ENDPOINT="http://media.example.com", NOVATUNE_PRESIGN_EXPIRY="121s")[1])
    assert "use https" in reported["NOVATUNE_S3_PUBLIC_ENDPOINT"] and "over 120s" in reported["NOVATUNE_PRESIGN_EXPIRY"]
    assert warnings(
        check(NOVATUNE_S3_PUBLIC_ENDPOINT="https://media.example.com", NOVATUNE_PRESIGN_EXPIRY="120s")[1]) == {}
    # A store on this machine is no production.
    assert warnings(check(NOVATUNE_PRESIGN_EXPIRY="10m")[1]) == {}


@pytest.fixture
def cache_user(stack, redis):
    """Makes a user of the cache's server, and returns its URL."""
    password = "password-of-a-limited-user"
    canaries.add(password)

    def make(*rules):
        redis("ACL", "SETUSER", "limited", "reset", "on", f">{password}", *rules)
        return stack["CACHE_URL"].replace("redis://", f"redis://limited:{password}@")

    yield make
    redis("ACL", "DELUSER", "limited")


@pytest.mark.parametrize("name", ["GET", "SET", "DEL", "ZADD", "ZRANGE", "ZREM", "INCRBY"])
def test_command_that_the_cache_refuses_is_named(check, cache_user, name):
    done, lines = check(NOVATUNE_CACHE_URL=cache_user("~*", "+@all", f"-{name.lower()}"))
    assert f"the server answered NOPERM to {name}" in warnings(lines)["cache"]
    assert done.returncode == 0


@pytest.mark.not_on_garnet("its users have no patterns of keys")
def test_keys_that_the_cache_refuses_are_named(check, cache_user):
    _, lines = check(NOVATUNE_CACHE_URL=cache_user("~another:*", "+@all"))
    assert "the server answered NOPERM to ZADD: its user may not run this command, or not on these keys" in \
        warnings(lines)["cache"]


def test_cache_that_does_not_speak_tls_is_named(check, stack):
    _, lines = check(NOVATUNE_CACHE_URL=stack["CACHE_URL"].replace("redis://", "rediss://"))
    assert "TLS" in warnings(lines)["cache"]


def test_token_secret_that_is_too_short_is_refused(check):
    done, lines = check(NOVATUNE_JWT_HS256_SECRET="x" * 31)
    assert done.returncode == 78
    assert any(line[:2] == ["NOVATUNE_JWT_HS256_SECRET", "failed"] and "at least 32 bytes" in line[2] for line in lines)


def test_secrets_are_shown_as_set(check, stack):
    done, lines = check(NOVATUNE_S3_SESSION_TOKEN="canary-session-token")
    shown = {line[0]: line[2] for line in lines if line[1] == "ok"}
    for name in (
        "NOVATUNE_S3_SECRET_ACCESS_KEY", "NOVATUNE_JWT_HS256_SECRET", "NOVATUNE_DATABASE_URL", "NOVATUNE_CACHE_KEYS",
                 "NOVATUNE_S3_SESSION_TOKEN"):
        assert shown[name] == "set"
    assert "canary" not in done.stdout and stack["JWT_HS256_SECRET"] not in done.stdout + done.stderr


def failures(lines):
    return {line[0]: line[2] for line in lines if line[1] == "failed"}


def test_missing_file_of_settings_is_one_line_that_names_it(command, tmp_path):
    missing = tmp_path / "no" / "responder.conf"
    expected = f"--config: cannot read {missing}: No such file or directory"
    for arguments in (["check"], ["serve"], ["check", "--settings-only"]):
        done = command(*arguments, "--config", missing)
        (line,) = (done.stdout + done.stderr).splitlines()
        assert done.returncode == 78 and expected in line


def test_host_that_has_no_address_is_reported(check):
    assert failures(check(NOVATUNE_LISTEN="localhost:9000", NOVATUNE_GATE_LISTEN="localhost:9001")[1]) == {}
    # Too long for a name server to be asked.
    done, lines = check(NOVATUNE_LISTEN=f"{'a' * 64}:9000")
    assert done.returncode == 1 and "address is not found" in failures(lines)["NOVATUNE_LISTEN"]


def credentials(stack, directory, expiration):
    path = directory / "credentials.json"
    replace(path, json.dumps({
        "Version": 1, "AccessKeyId": stack["S3_ACCESS_KEY_ID"], "SecretAccessKey": stack["S3_SECRET_ACCESS_KEY"],
        "Expiration": expiration}))
    return path


@pytest.mark.parametrize("option", [(), ("--settings-only",)])
def test_expired_store_credentials_are_reported(check, stack, tmp_path, option):
    lines = [line for line in check.config.read_text().splitlines() if "ACCESS_KEY" not in line]
    replace(check.config, "".join(f"{line}\n" for line in lines))
    expired = check(*option, NOVATUNE_S3_CREDENTIALS_FILE=str(credentials(stack, tmp_path, "2026-01-08T12:32:00Z")))
    assert expired[0].returncode == 1
    reason = failures(expired[1])["credentials"]
    assert "expired at 2026-01-08T12:32:00Z" in reason and "NOVATUNE_S3_CREDENTIALS_FILE" in reason
    valid = check(*option, NOVATUNE_S3_CREDENTIALS_FILE=str(credentials(stack, tmp_path, "2126-01-08T12:32:00Z")))
    assert valid[0].returncode == 0 and failures(valid[1]) == {}


def test_settings_alone_are_checked_without_a_connection(check):
    away = {
        "NOVATUNE_DATABASE_URL": "postgresql://u@127.0.0.1:1/none", "NOVATUNE_S3_ENDPOINT": "http://127.0.0.1:1",
        "NOVATUNE_CACHE_URL": "redis://127.0.0.1:1"}
    done, lines = check("--settings-only", **away)
    assert done.returncode == 0 and failures(lines) == {}
    assert not {"database", "object", "invalidations"} & {line[0] for line in lines}
    assert check(**away)[0].returncode == 1


def test_settings_alone_are_checked_without_a_command(check, tmp_path):
    marker = tmp_path / "was-run"
    lines = [line for line in check.config.read_text().splitlines() if "CACHE_KEYS" not in line]
    replace(check.config, "".join(f"{line}\n" for line in lines))
    done, lines = check("--settings-only", NOVATUNE_CACHE_KEYS_COMMAND=f"/usr/bin/touch {marker}")
    assert done.returncode == 0 and not marker.exists()
    (ring,) = (line[2] for line in lines if line[:2] == ["cache", "keys"])
    assert ring.split(None, 1) == ["ok", "not asked, from command /usr/bin/touch"]


def test_quiet_leaves_out_what_is_in_order(check):
    done, lines = check("--settings-only", "--quiet")
    assert (done.returncode, lines) == (0, [])
    done, lines = check("--settings-only", "--quiet", NOVATUNE_LOOPS="x")
    assert done.returncode == 78 and list(failures(lines)) == ["NOVATUNE_LOOPS"]
