"""Clocks that differ: the token issuer's from the database's, and nginx's from the responder's."""

import socket
import time

import pytest

from harness import fastcgi
from harness.nginx import free_port
from harness.waiting import wait_for
from support.other_host import OtherHost

LEEWAY = 5


@pytest.fixture
def responder(responders):
    return responders().start_on_own_sockets(NOVATUNE_JWT_LEEWAY=f"{LEEWAY}s")


def log_out(database, user):
    database("select novatune.logout_all(%s, 'a stolen phone')", user.id)


def status(responder, track, token):
    return responder.ask(track, token)[0]


def until(moment):
    wait_for(lambda: time.time() >= moment, 10, "the moment")


def test_token_of_a_clock_that_is_ahead_ends_with_the_logout(responder, database, mint, user, track):
    """5 s ahead, and the logout comes 2 s after the token."""
    issued_at = int(time.time()) + LEEWAY
    used, unused = (mint.hs256(user.id, iat=issued_at, jti=name) for name in ("used", "unused"))
    assert status(responder, track, used) == 200
    until(issued_at - 3)
    log_out(database, user)
    assert [status(responder, track, token) for token in (used, unused)] == [401, 401]
    # Also when the issuer's time has come here.
    until(issued_at + 1)
    assert [status(responder, track, token) for token in (used, unused)] == [401, 401]


def test_new_login_of_a_clock_that_is_behind_is_accepted_after_a_logout(responder, database, mint, user, track):
    log_out(database, user)
    token = mint.hs256(user.id, iat=int(time.time()) - LEEWAY)
    assert [status(responder, track, token) for _ in range(3)] == [200] * 3
    assert status(responder, track, mint.hs256(user.id, iat=int(time.time()) - LEEWAY - 2)) == 401


def test_token_that_was_used_ends_with_the_logout_within_the_leeway(responder, database, mint, user, track):
    token = mint.hs256(user.id)
    assert status(responder, track, token) == 200
    log_out(database, user)
    assert status(responder, track, token) == 401


def test_token_from_an_hour_ahead_is_refused_with_the_longest_leeway(responders, mint, user, track):
    responder = responders().start_on_own_sockets(NOVATUNE_JWT_LEEWAY="5m")
    assert status(responder, track, mint.hs256(user.id, iat=int(time.time()) + 3600)) == 401
    assert status(responder, track, mint.hs256(user.id, iat=int(time.time()) + 290)) == 200


def answer(connection, track, token, behind):
    """The status, where nginx's clock is `behind` by so many seconds."""
    with connection:
        connection.settimeout(20)
        parameters = fastcgi.stream_request(track.id, token) | {"RECEIVED_AT": f"{time.time() - behind:.3f}"}
        fastcgi.send(connection, parameters)
        return fastcgi.receive(connection)[0]


@pytest.mark.parametrize("behind, expected", [(0, 200), (3, 503)])
def test_time_of_arrival_counts_on_a_unix_socket(responder, user, track, behind, expected):
    assert answer(fastcgi.connect(responder.stream_socket), track, user.token, behind) == expected


@pytest.mark.parametrize("behind, expected", [(0, 200), (3, 503)])
@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_time_of_arrival_counts_over_tcp_from_the_same_host(responders, user, track, name, behind, expected):
    port = free_port()
    responder = responders()
    responder.start(NOVATUNE_LISTEN=f"{name}:{port}", NOVATUNE_GATE_LISTEN=f"unix:{responder.gate_socket}")
    assert answer(socket.create_connection(("127.0.0.1", port)), track, user.token, behind) == expected


@pytest.mark.skipif(bool(OtherHost.reason_against()), reason=OtherHost.reason_against())
def test_time_of_arrival_does_not_count_from_another_host(responders, user, track):
    port = free_port()
    responder = responders()
    responder.start(NOVATUNE_LISTEN=f"0.0.0.0:{port}", NOVATUNE_GATE_LISTEN=f"unix:{responder.gate_socket}")
    with OtherHost() as host:
        assert answer(host.connect(port), track, user.token, behind=3) == 200
        own = socket.create_connection((host.gateway, port), source_address=(host.gateway, 0))
        assert answer(own, track, user.token, behind=3) == 503, "two ends with one address are on one host"
