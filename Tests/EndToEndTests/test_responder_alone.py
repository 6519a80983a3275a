"""The responder's own answers where nginx would not have let the request through."""

import contextlib
import json

import pytest

from harness import fastcgi
from support.problems import path

BODY_LIMIT = 16 * 1024


@pytest.fixture
def ask(stack):
    def ask(socket, parameters, body=b""):
        with fastcgi.connect(stack[socket].removeprefix("unix:")) as connection:
            fastcgi.send(connection, parameters, body=body)
            return fastcgi.receive(connection)

    return ask


def assert_answers(answer, status, slug, instance):
    assert answer[0] == status
    problem = json.loads(answer[1])
    assert problem["type"] == f"https://novatune.dev/errors/{slug}"
    assert problem["status"] == status and problem["instance"] == instance


def test_body_up_to_16_kib_is_ignored_and_a_larger_one_refused(ask, user, track):
    parameters = fastcgi.stream_request(track.id, user.token)
    assert ask("STREAM_SOCKET", parameters, b"x" * BODY_LIMIT)[0] == 200
    assert_answers(ask("STREAM_SOCKET", parameters, b"x" * (BODY_LIMIT + 1)), 413, "content-too-large", path(track.id))
    assert_answers(ask("STREAM_SOCKET", parameters, b"x" * 60_000), 413, "content-too-large", path(track.id))


def test_request_of_more_than_64_kib_ends_its_connection(stack, ask, user, track):
    """Headers and body together; nginx sends no body at all."""
    parameters = fastcgi.stream_request(track.id, user.token)
    with fastcgi.connect(stack["STREAM_SOCKET"].removeprefix("unix:")) as connection:
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            fastcgi.send(connection, parameters, body=b"x" * 200_000)
            assert fastcgi.receive(connection) is None
    assert ask("STREAM_SOCKET", parameters)[0] == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "", "post"])
def test_other_methods_are_refused(ask, user, track, method):
    parameters = fastcgi.stream_request(track.id, user.token) | {"REQUEST_METHOD": method}
    assert_answers(ask("STREAM_SOCKET", parameters), 405, "method-not-allowed", path(track.id))


@pytest.mark.parametrize(
    "place", ["/", "/tracks", "/tracks//stream", "/tracks/a/b/stream", "/tracks/stream", "/healthz", "", "/stream"])
def test_other_paths_are_not_found(ask, user, place):
    parameters = fastcgi.stream_request("x", user.token) | {"DOCUMENT_URI": place, "REQUEST_URI": place or "/"}
    assert_answers(ask("STREAM_SOCKET", parameters), 404, "not-found", place or "/")


def test_no_parameters_at_all_is_not_found(ask):
    assert_answers(ask("STREAM_SOCKET", {}), 404, "not-found", "/")
    assert_answers(ask("GATE_SOCKET", {}), 404, "not-found", "/")


def test_instance_ends_at_the_first_question_mark(ask, user, track):
    parameters = fastcgi.stream_request(track.id, "garbage")
    # A question mark with a combining accent is one character to Unicode and still the end of the path.
    for query in ("?secret", "?\u0301secret"):
        answer = ask("STREAM_SOCKET", parameters | {"REQUEST_URI": path(track.id) + query})
        assert_answers(answer, 401, "unauthorized", path(track.id))


def test_token_is_checked_by_the_responder_too(ask, track):
    """A client that reaches the stream socket past nginx still needs a token of its own."""
    parameters = fastcgi.stream_request(track.id, "garbage") | {
        "HTTP_X_USER_ID": track.owner.id, "AUTH_USER_ID": track.owner.id}
    assert ask("STREAM_SOCKET", parameters)[0] == 401
    del parameters["HTTP_AUTHORIZATION"]
    assert ask("STREAM_SOCKET", parameters)[0] == 401


def test_requests_on_one_kept_connection_are_separate(stack, user, track):
    with fastcgi.connect(stack["STREAM_SOCKET"].removeprefix("unix:")) as connection:
        for body in (b"", b"x" * 100, b"x" * (BODY_LIMIT + 1), b""):
            fastcgi.send(connection, fastcgi.stream_request(track.id, user.token), keep=True, body=body)
            assert fastcgi.receive(connection)[0] == (413 if len(body) > BODY_LIMIT else 200)


def test_silent_and_malformed_peers_delay_no_other(stack, ask, user, track):
    """Of each kind more than the gate has threads."""
    address = stack["STREAM_SOCKET"].removeprefix("unix:")
    peers = [fastcgi.connect(address) for _ in range(64)]
    for index, peer in enumerate(peers[32:]):
        peer.sendall(bytes([index]) * 4096)
    assert ask("STREAM_SOCKET", fastcgi.stream_request(track.id, user.token))[0] == 200
    for peer in peers:
        peer.close()


@pytest.mark.parametrize("socket", ["STREAM_SOCKET", "GATE_SOCKET"])
def test_many_idle_connections_do_not_block_others(stack, api, user, track, socket):
    """More than the gate holds: the longest idle make room."""
    address = stack[socket].removeprefix("unix:")
    crowd = [fastcgi.connect(address) for _ in range(700)]
    try:
        assert [api.stream(track.id, user.token).status for _ in range(5)] == [200] * 5
    finally:
        for connection in crowd:
            connection.close()


def test_management_record_on_a_kept_connection_ends_it(stack, ask, user, track):
    with fastcgi.connect(stack["STREAM_SOCKET"].removeprefix("unix:")) as connection:
        fastcgi.send(connection, fastcgi.stream_request(track.id, user.token), keep=True)
        assert fastcgi.receive(connection)[0] == 200
        connection.sendall(bytes([1, 9, 0, 0, 0, 0, 0, 0]))  # FCGI_GET_VALUES
        # Unread bytes turn the close into a reset.
        with contextlib.suppress(ConnectionResetError):
            assert fastcgi.receive(connection) is None
