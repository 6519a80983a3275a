"""A Redis that has a password and no users (`requirepass`), and the forms of its URL: with the password alone, and as
hosting providers write it, with a user that the server does not have."""

import pytest

from caches import assert_is_named, assert_is_used, checked, is_stored, start
from harness import canaries
from harness.certificates import self_signed
from harness.nginx import free_port
from harness.redis_server import RedisServer

PASSWORD = "canary-of-a-cache-password"
canaries.add(PASSWORD, kind="password")
CAUSE = (
    "the server answered WRONGPASS to AUTH: user or password of NOVATUNE_CACHE_URL are wrong; for a password without a"
    " user, write redis://:password@host")


class Server(RedisServer):
    """With TLS on a second port; `authorities` is the file that its certificate is verified against."""

    def __init__(self, directory):
        self.authorities, key = self_signed(directory, "redis")
        self._tls_port = free_port()
        super().__init__(
            directory / "redis", "--requirepass", PASSWORD, "--tls-port", str(self._tls_port), "--tls-cert-file",
            self.authorities, "--tls-key-file", key, "--tls-auth-clients", "no", login=("--pass", PASSWORD))

    def url(self, scheme, credentials):
        port = self._tls_port if scheme == "rediss" else self.port
        return f"{scheme}://{credentials}{self.host}:{port}"


@pytest.fixture
def redis(tmp_path):
    server = Server(tmp_path)
    yield server
    server.stop()


@pytest.fixture(params=["redis", "rediss"])
def scheme(request):
    return request.param


@pytest.fixture
def settings(redis, scheme):
    return {"NOVATUNE_CACHE_CA_FILE": str(redis.authorities)} if scheme == "rediss" else {}


# The server calls the user of its only password "default".
@pytest.mark.parametrize("user_name", ["", "default"])
def test_password_without_a_user_of_its_own_is_taken(
        responders, command, redis, scheme, settings, track, user_name):
    url = redis.url(scheme, f"{user_name}:{PASSWORD}@")
    responder = start(responders, url, **settings)
    assert_is_used(responder, redis, track)
    assert checked(command, responder, url, **settings)[0] == "ok"
    assert responder.events("dependency failed") == []


def test_user_that_the_server_does_not_have_is_named(responders, command, redis, scheme, settings, track):
    url = redis.url(scheme, f"h:{PASSWORD}@")
    responder = start(responders, url, **settings)
    assert_is_named(responder, CAUSE, track)
    word, explanation = checked(command, responder, url, **settings)
    assert word == "warning" and CAUSE in explanation
    assert not is_stored(redis, track) and PASSWORD not in responder.log()


def test_user_of_the_url_is_taken_as_soon_as_the_server_has_it(responders, redis, scheme, settings, track):
    responder = start(responders, redis.url(scheme, f"h:{PASSWORD}@"), **settings)
    assert_is_named(responder, CAUSE, track)
    assert redis.cli("acl", "setuser", "h", "on", f">{PASSWORD}", "~*", "+@all") == "OK"
    assert_is_used(responder, redis, track)


def test_missing_password_and_needless_password_have_causes_of_their_own(
        responders, command, redis, scheme, settings, track):
    missing = redis.url(scheme, "")
    responder = start(responders, missing, **settings)
    cause = "it requires a password, which NOVATUNE_CACHE_URL lacks"
    assert_is_named(responder, cause, track)
    assert cause in checked(command, responder, missing, **settings)[1]
    assert redis.cli("config", "set", "requirepass", "") == "OK"
    needless = redis.url(scheme, f":{PASSWORD}@")
    assert "it expects no password" in checked(command, responder, needless, **settings)[1]
