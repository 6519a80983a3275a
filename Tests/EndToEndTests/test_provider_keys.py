"""Keys that an identity provider publishes at a URL: rotations, and each way in which the provider can fail."""

import datetime
import ipaddress
import json
import subprocess
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from harness.stack import environment_with
from harness.waiting import concurrently, wait_for
from support.provider import Provider, SigningKey
from support.rings import replace

# How long a request waits for keys.
WAIT_S = 1


@pytest.fixture
def provider():
    with Provider(SigningKey("first")) as provider:
        yield provider


@pytest.fixture
def make(responders, tmp_path):
    """A responder whose tokens are a provider's alone, not started yet."""

    def make():
        return responders().leave_out("JWT_KEYS", "JWT_HS256", "JWT_ISSUER", "JWT_AUDIENCE")

    return make


@pytest.fixture
def responder(make, provider):
    return make().start_on_own_sockets(**provider.settings())


def fetches(responder):
    """Of all providers, by outcome."""
    metrics = responder.metrics()
    return {
        outcome: int(sum(
            value for name, value in metrics.items()
            if name.startswith("novatune_token_key_fetches_total{") and f'outcome="{outcome}"' in name))
        for outcome in ("changed", "unchanged", "unreachable", "invalid")}


def refresh(responder):
    """Asks for a fetch of the keys, and waits until it has ended: its outcome."""
    before = fetches(responder)
    responder.process.send_signal(1)
    after = wait_for(lambda: (now := fetches(responder)) != before and now, 30, "a fetch of the keys")
    return next(outcome for outcome in after if after[outcome] != before[outcome])


def test_keys_at_a_url_verify_the_providers_tokens(responder, provider, user, track):
    assert responder.ask(track, provider.token(user.id))[0] == 200
    assert responder.ask(track, provider.token(user.id, SigningKey("first")))[0] == 401
    assert responder.ask(track, provider.token(user.id, iss="https://other.example"))[0] == 401
    metrics = responder.metrics()
    assert metrics[f'novatune_token_keys{{provider="{provider.keys_url}"}}'] == 1
    assert 0 <= metrics[f'novatune_token_keys_age_seconds{{provider="{provider.keys_url}"}}'] < 60


def test_discovery_finds_the_keys(make, provider, user, track):
    responder = make().start_on_own_sockets(
        **provider.settings(NOVATUNE_JWT_KEYS_URL="", NOVATUNE_JWT_DISCOVERY="on"))
    assert responder.ask(track, provider.token(user.id))[0] == 200
    assert provider.paths == ["/.well-known/openid-configuration", "/keys"]


def test_token_of_a_new_key_is_accepted_without_a_refusal_and_with_one_fetch_for_all(responder, provider, user, track):
    new = SigningKey("second")
    provider.keys.append(new)
    provider.delay = 0.3
    began = time.monotonic()
    answers = concurrently(32, lambda _: responder.ask(track, provider.token(user.id, new))[0], 32)
    assert answers == [200] * 32 and provider.fetches == 2
    assert time.monotonic() - began >= provider.delay, "the requests did not wait for the fetch"
    assert fetches(responder)["changed"] == 1
    assert responder.wait_for_event("token keys changed")["keys"] == "2"


def test_unknown_key_is_refused_and_fetched_once_in_30_seconds(responder, provider, user, track):
    for number in range(20):
        assert responder.ask(track, provider.token(user.id, SigningKey(f"foreign-{number}")))[0] == 401
    assert provider.fetches == 2
    assert responder.wait_for_event("stream url requested", 20)["reason"] == "unknown_key"


def test_request_waits_one_second_at_most_and_no_other_waits(responder, provider, user, track):
    provider.mode = "frozen"
    known, unknown = provider.token(user.id), provider.token(user.id, SigningKey("second"))
    refused = []

    def ask(number):
        began = time.monotonic()
        if number == 0:
            refused.append((responder.ask(track, unknown)[0], time.monotonic() - began))
            return []
        answers = []
        while not refused:
            answers.append(responder.ask(track, known)[0])
        return answers

    answers = sum(concurrently(4, ask, 4), [])
    (status, seconds), = refused
    assert status == 401 and seconds >= WAIT_S
    # More than one is answered while the other waits, so that none waits for it.
    assert set(answers) == {200} and len(answers) >= 30
    provider.thaw()


def test_removed_key_is_not_accepted_after_the_refresh(responder, provider, user, track):
    old, new = provider.keys[0], SigningKey("second")
    token = provider.token(user.id, old)
    assert responder.ask(track, token)[0] == 200
    provider.keys[:] = [new]
    assert refresh(responder) == "changed"
    assert responder.ask(track, token)[0] == 401
    assert responder.ask(track, provider.token(user.id, new))[0] == 200


OUTCOMES = {
    "garbage": "invalid", "status 500": "unreachable", "status 404": "invalid", "10 MB": "invalid",
    "no keys": "invalid", "redirect elsewhere": "invalid", "stopped": "unreachable", "frozen": "unreachable",
    "trickle": "unreachable"}


@pytest.mark.parametrize("mode", OUTCOMES)
def test_requests_with_known_keys_do_not_notice_a_provider_that_fails(responder, provider, user, track, mode):
    if mode == "stopped":
        provider.stop()
    else:
        provider.mode = mode
    token = provider.token(user.id)
    before = fetches(responder)
    responder.process.send_signal(1)
    answers = []

    def failed():
        answers.append(responder.ask(track, token)[0])
        return fetches(responder) != before

    wait_for(failed, 30, "the end of the fetch")
    assert set(answers) == {200} and responder.ask(track, token)[0] == 200
    after = fetches(responder)
    assert after == before | {OUTCOMES[mode]: before[OUTCOMES[mode]] + 1}
    line = responder.wait_for_event("token keys not fetched")
    assert line["level"] == "error" and line["reason"] and line["keys"] == "1"
    assert responder.gate("/readyz")[0] == 200
    provider.thaw()


def test_restart_during_an_outage_serves_on(make, provider, user, track, tmp_path):
    token = provider.token(user.id)
    settings = provider.settings(NOVATUNE_STATE_DIRECTORY=str(tmp_path))
    make().start_on_own_sockets(**settings).kill()
    provider.stop()
    restarted = make().start_on_own_sockets(**settings)
    assert restarted.ask(track, token)[0] == 200
    assert restarted.wait_for_event("token keys not fetched")["stored"] == "true"


def test_start_without_keys_names_the_provider(command, make, provider, tmp_path):
    provider.mode = "status 503"
    config = make().config
    done = command("check", "--config", config, **provider.settings())
    assert done.returncode == 69
    line, = (line for line in done.stdout.splitlines() if line.startswith("NOVATUNE_JWT_KEYS_URL"))
    assert f"127.0.0.1:{provider.port} answered 503" in line
    done = command("serve", "--config", config, **provider.settings())
    assert done.returncode == 69 and "answered 503" in done.stderr


@pytest.mark.parametrize("settings, words", [
    ({"NOVATUNE_JWT_KEYS_URL": "http://login.example.com/keys"}, "use https"),
    ({"NOVATUNE_JWT_KEYS_URL": "login.example.com"}, "not https://"),
    ({"NOVATUNE_JWT_DISCOVERY": "on"}, "set one of the two"),
    ({"NOVATUNE_JWT_DISCOVERY": "yes"}, "not on or off"),
    ({"NOVATUNE_JWT_KEYS_CA_FILE": "/no/such/file.pem"}, "NOVATUNE_JWT_KEYS_CA_FILE"),
    ({"NOVATUNE_JWT_KEYS_URL": "", "NOVATUNE_JWT_DISCOVERY": "on", "NOVATUNE_JWT_ISSUER": "music"}, "not https://"),
])
def test_setting_that_is_wrong_is_named(command, make, provider, settings, words):
    done = command("check", "--settings-only", "--config", make().config, **provider.settings(**settings))
    assert done.returncode == 78 and words in done.stdout


def test_check_shows_keys_and_where_they_are_from(command, make, provider):
    done = command("check", "--config", make().config, **provider.settings())
    assert done.returncode == 0, done.stdout
    assert "ES256 (kid first)" in done.stdout and f"fetched from {provider.keys_url}" in done.stdout
    before = provider.fetches
    done = command("check", "--settings-only", "--config", make().config, **provider.settings())
    assert done.returncode == 0 and f"not asked, from {provider.keys_url}" in done.stdout
    assert provider.fetches == before


# https


def certified(directory, name, days):
    """A certificate for 127.0.0.1 that ends in `days`, by itself: its file and its key's."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=9)).not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True).sign(key, hashes.SHA256()))
    files = directory / f"{name}.crt", directory / f"{name}.key"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return files


def test_own_authority_is_trusted_and_no_other(command, make, user, track, tmp_path):
    files = certified(tmp_path, "valid", days=2)
    with Provider(SigningKey("first"), certificate=files) as provider:
        responder = make().start_on_own_sockets(**provider.settings(NOVATUNE_JWT_KEYS_CA_FILE=str(files[0])))
        assert responder.ask(track, provider.token(user.id))[0] == 200
        done = command("check", "--config", make().config, **provider.settings())
        assert done.returncode == 69 and f"127.0.0.1:{provider.port}: " in done.stdout


def test_expired_certificate_is_not_noticed_by_requests(make, user, track, tmp_path):
    valid, expired = certified(tmp_path, "valid", days=2), certified(tmp_path, "expired", days=-1)
    authorities = tmp_path / "both.pem"
    authorities.write_bytes(valid[0].read_bytes() + expired[0].read_bytes())
    with Provider(SigningKey("first"), certificate=valid) as provider:
        responder = make().start_on_own_sockets(**provider.settings(NOVATUNE_JWT_KEYS_CA_FILE=str(authorities)))
    with Provider(*provider.keys, certificate=expired, port=provider.port) as again:
        assert refresh(responder) == "unreachable" and again.fetches == 0
        assert responder.ask(track, provider.token(user.id))[0] == 200
    # It was the certificate, and nothing else.
    with Provider(*provider.keys, certificate=valid, port=provider.port):
        assert refresh(responder) == "unchanged"


# Several providers


def test_keys_of_each_provider_are_its_own(make, user, track, tmp_path):
    with Provider(SigningKey("same")) as one, Provider(SigningKey("same"), SigningKey("other")) as two:
        listed = tmp_path / "providers.json"
        listed.write_text(json.dumps([
            {"issuer": one.issuer, "audience": "novatune-of-the-provider", "keys_url": one.keys_url},
            {"issuer": two.issuer, "audience": "novatune-of-the-provider", "discovery": True}]))
        responder = make().start_on_own_sockets(NOVATUNE_JWT_PROVIDERS_FILE=str(listed))
        assert responder.ask(track, one.token(user.id))[0] == 200
        assert responder.ask(track, two.token(user.id))[0] == 200
        assert responder.ask(track, one.token(user.id, two.keys[0]))[0] == 401
        assert responder.ask(track, two.token(user.id, one.keys[0]))[0] == 401
        # One that fails keeps the other's users in, and its own known keys.
        one.stop()
        two.keys.append(SigningKey("new"))
        assert responder.ask(track, two.token(user.id, two.keys[2]))[0] == 200
        assert responder.ask(track, one.token(user.id))[0] == 200


def test_providers_that_publish_the_same_keys_are_two(make, user, track, tmp_path):
    """As two tenants of one service do."""
    with Provider(SigningKey("shared")) as one, Provider() as two:
        two.keys = one.keys
        listed = tmp_path / "providers.json"
        listed.write_text(json.dumps([
            {"issuer": provider.issuer, "audience": "novatune-of-the-provider", "keys_url": one.keys_url}
            for provider in (one, two)]))
        responder = make().start_on_own_sockets(NOVATUNE_JWT_PROVIDERS_FILE=str(listed))
        for provider in (one, two):
            assert responder.ask(track, provider.token(user.id))[0] == 200


def test_reload_does_not_take_an_address_without_keys(make, provider, user, track, tmp_path):
    with Provider(SigningKey("other")) as other:
        listed = tmp_path / "providers.json"

        def write(*urls):
            replace(listed, json.dumps([
                {"issuer": one.issuer, "audience": "novatune-of-the-provider", "keys_url": url}
                for one, url in zip((provider, other), urls)]))

        write(provider.keys_url, other.keys_url)
        responder = make().start_on_own_sockets(NOVATUNE_JWT_PROVIDERS_FILE=str(listed))
        write(provider.keys_url, f"{other.issuer}/no-such-path")
        assert "answered 404" in responder.wait_for_event("reload refused")["reason"]
        for one in (provider, other):
            assert responder.ask(track, one.token(user.id))[0] == 200
        write(provider.keys_url, other.keys_url)
        responder.wait_for_event("reloaded")


def test_tokens_that_no_fetch_can_help_cause_none(responder, provider, mint, user, track):
    for token in (mint.hs256(user.id), mint.unsigned(user.id), "garbage"):
        assert responder.ask(track, token)[0] == 401
    assert provider.fetches == 1


# token explain


@pytest.fixture
def explain(stack, make, provider):
    config = make().config

    def explain(token, **settings):
        return subprocess.run(
            [stack["RESPONDER_BINARY"], "token", "explain", "--config", config],
            env=environment_with(**provider.settings(**settings)), input=token, capture_output=True, text=True,
            timeout=60)

    return explain


def test_token_that_is_accepted_is_explained(explain, provider, user):
    token = provider.token(user.id)
    for text in (token, f"Bearer {token}\n", f"authorization: bearer {token}\r\n"):
        done = explain(text)
        assert done.returncode == 0 and done.stdout.endswith("\naccepted\n"), done.stdout
        assert token not in done.stdout and token.split(".")[2] not in done.stdout and user.id not in done.stdout


@pytest.mark.parametrize("changes, reason, words", [
    ({"aud": "api"}, "wrong_audience", "NOVATUNE_JWT_AUDIENCE is novatune-of-the-provider"),
    ({"iss": "https://other.example"}, "wrong_issuer", "iss is https://other.example"),
    ({"roles": ["guest"]}, "no_role", "roles is guest; NOVATUNE_JWT_LISTENER_ROLE is listener"),
    ({"exp": 1_700_000_000}, "expired", "exp 2023-11-14T22:13:20Z"),
])
def test_token_that_is_refused_is_explained(explain, provider, user, changes, reason, words):
    done = explain(provider.token(user.id, **changes))
    assert done.returncode == 1 and done.stdout.endswith(f"\nrefused: {reason}\n") and words in done.stdout


def test_explanation_needs_a_token_and_valid_settings(explain, provider, user):
    assert explain("").returncode == 1
    assert explain("x" * 200_000).returncode == 64
    assert explain(provider.token(user.id), NOVATUNE_JWT_AUDIENCE="").returncode == 78
    provider.mode = "status 503"
    done = explain(provider.token(user.id))
    assert done.returncode == 69 and "answered 503" in done.stderr
