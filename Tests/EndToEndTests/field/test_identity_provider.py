"""A real identity provider, Glewlwyd: its keys rotate while requests run, and it goes away."""

import base64
import json
import signal
import threading

import pytest

from glewlwyd import SCOPE, Glewlwyd, private_key
from harness import canaries
from harness.waiting import wait_for



@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    provider = Glewlwyd(tmp_path_factory.mktemp("glewlwyd"), private_key("first", "RS256"))
    yield provider
    provider.stop()


@pytest.fixture
def listener(provider, database, user):
    """A user of the provider who is a user here: the provider's name."""
    name = user.id.lower()
    provider.sign_with(*provider.first_keys)
    provider.add_user(name)
    token = provider.token(name)
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert "sub" in claims and claims["iss"] == provider.issuer
    canaries.add(claims["sub"], kind="subject")
    database("select novatune.link_identity(%s, %s, %s)", provider.issuer, claims["sub"], user.id)
    return name


@pytest.fixture
def settings(provider, tmp_path):
    return {
        "NOVATUNE_JWT_ISSUER": provider.issuer, "NOVATUNE_JWT_DISCOVERY": "on",
        "NOVATUNE_JWT_AUDIENCE": f"{SCOPE} openid", "NOVATUNE_JWT_ROLES_CLAIM": "scope",
        "NOVATUNE_STATE_DIRECTORY": str(tmp_path)}


@pytest.fixture
def make(responders):
    return lambda: responders().leave_out("JWT_KEYS", "JWT_HS256", "JWT_ISSUER", "JWT_AUDIENCE")


@pytest.fixture
def responder(make, listener, settings):
    return make().start_on_own_sockets(**settings)


class Requests:
    """Requests without a pause, with the tokens that are valid at the moment; each answer is kept."""

    def __init__(self, responder, track, *tokens):
        self.tokens, self.statuses = list(tokens), []
        self._responder, self._track = responder, track
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(4)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        for thread in self._threads:
            thread.join(30)

    def _run(self, number):
        while not self._stopping.is_set():
            tokens = self.tokens
            self.statuses.append(self._responder.ask(self._track, tokens[number % len(tokens)])[0])

    def more(self, count=200):
        """Waits until that many more were answered, from now on."""
        before = len(self.statuses)
        wait_for(lambda: len(self.statuses) >= before + count, 30, f"{count} answers")


def fetched(responder, outcome):
    return sum(
        value for name, value in responder.metrics().items()
        if name.startswith("novatune_token_key_fetches_total{") and f'outcome="{outcome}"' in name)


def test_rotation_while_requests_run_refuses_no_valid_token(responder, provider, listener, track):
    first, second = provider.first_keys, private_key("second", "ES256")
    old = provider.token(listener)
    with Requests(responder, track, old) as requests:
        requests.more()
        # The new key signs, the former one is still published.
        provider.sign_with(second, *first)
        new = provider.token(listener)
        requests.tokens = [new, old]
        requests.more()
        assert fetched(responder, "changed") == 1
        # Then the former one is withdrawn: its tokens end with the next fetch.
        requests.tokens = [new]
        requests.more()
        provider.sign_with(second)
        responder.process.send_signal(signal.SIGHUP)
        wait_for(lambda: fetched(responder, "changed") == 2, 30, "the set without the former key")
        assert responder.ask(track, old)[0] == 401
        requests.more()
    assert set(requests.statuses) == {200}


@pytest.mark.parametrize("end", ["stopped", "frozen"])
def test_provider_that_goes_away_is_not_noticed(responder, make, provider, listener, settings, track, end):
    token = provider.token(listener)
    with Requests(responder, track, token) as requests:
        provider.stop() if end == "stopped" else provider.freeze()
        try:
            responder.process.send_signal(signal.SIGHUP)
            wait_for(lambda: fetched(responder, "unreachable") == 1, 30, "a fetch that fails")
            requests.more()
            restarted = make().start_on_own_sockets(**settings)
            assert restarted.ask(track, token)[0] == 200
        finally:
            provider.start() if end == "stopped" else provider.thaw()
        responder.process.send_signal(signal.SIGHUP)
        wait_for(lambda: fetched(responder, "unchanged") >= 1, 30, "a fetch that succeeds")
    assert set(requests.statuses) == {200}
