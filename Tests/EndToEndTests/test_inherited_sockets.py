"""Sockets that another process opened: spawn-fcgi's on descriptor 0, systemd's from 3 on."""

import os
import signal
import socket
import stat

import pytest

from harness import fastcgi
from harness.responder import as_systemd


@pytest.fixture
def listening(tmp_path_factory):
    """Listening sockets by name, and where they are."""
    folder = tmp_path_factory.mktemp("sockets")
    held = []

    def make(name):
        path = folder / name
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        server.bind(str(path))
        server.listen(16)
        held.append(server)
        return server, path

    yield make
    for server in held:
        server.close()


@pytest.fixture
def start(responders):
    """Starts a second responder, whose options say where to listen; its process."""
    return lambda **options: responders().start(**options).process


def ask(path, track, token):
    with fastcgi.connect(path) as connection:
        fastcgi.send(connection, fastcgi.stream_request(track.id, token))
        return fastcgi.receive(connection)


def test_descriptor_0_is_served_as_spawn_fcgi_hands_it_over(listening, start, tmp_path, user, track):
    server, path = listening("stream")
    process = start(stdin=server, NOVATUNE_GATE_LISTEN=f"unix:{tmp_path}/gate")
    status, body = ask(path, track, user.token)
    assert status == 200 and track.object_key.encode() in body
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


def test_sockets_of_systemd_outlive_the_process_and_lose_no_request(listening, start, user, track):
    (stream, stream_path), (gate, gate_path) = listening("stream"), listening("gate")
    first = start(**as_systemd(stream, gate))
    assert ask(stream_path, track, user.token)[0] == 200
    with fastcgi.connect(gate_path) as connection:
        fastcgi.send(connection, {"DOCUMENT_URI": "/healthz"})
        assert fastcgi.receive(connection)[0] == 200
    first.send_signal(signal.SIGTERM)
    assert first.wait(10) == 0
    # No responder serves now: the request waits in the socket's queue for the next process.
    with fastcgi.connect(stream_path) as waiting:
        fastcgi.send(waiting, fastcgi.stream_request(track.id, user.token))
        start(**as_systemd(stream, gate))
        assert fastcgi.receive(waiting)[0] == 200


def test_own_socket_is_for_owner_and_group_only(stack):
    for name in ("STREAM_SOCKET", "GATE_SOCKET"):
        assert stat.S_IMODE(os.stat(stack[name].removeprefix("unix:")).st_mode) == 0o660


def test_requests_in_the_queue_at_sigterm_are_answered(listening, start, tmp_path, user, track):
    """The process is frozen while requests queue up; the signal comes before any of them is accepted."""
    server, path = listening("stream")
    process = start(stdin=server, NOVATUNE_GATE_LISTEN=f"unix:{tmp_path}/gate")
    os.kill(process.pid, signal.SIGSTOP)
    queued = [fastcgi.connect(path) for _ in range(8)]
    for connection in queued:
        fastcgi.send(connection, fastcgi.stream_request(track.id, user.token))
    os.kill(process.pid, signal.SIGTERM)
    os.kill(process.pid, signal.SIGCONT)
    assert [fastcgi.receive(connection)[0] for connection in queued] == [200] * 8
    assert process.wait(10) == 0
    for connection in queued:
        connection.close()
