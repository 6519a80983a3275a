"""Sockets that another process opened: spawn-fcgi's on descriptor 0, systemd's from 3 on."""

import os
import signal
import socket
import stat

import pytest

from support import fastcgi_client


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
    with fastcgi_client.connect(path) as connection:
        fastcgi_client.send(connection, fastcgi_client.stream_request(track.id, token))
        return fastcgi_client.receive(connection)


def as_systemd(stream, gate):
    """Puts the sockets on 3 and 4, and a shell in between that knows its own pid, which exec keeps."""

    def preexec():
        copies = [os.dup(server.fileno()) for server in (stream, gate)]
        for target, copy in enumerate(copies, start=3):
            os.dup2(copy, target, inheritable=True)

    script = 'export LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=stream:gate; exec "$@"'
    # preexec_fn runs before descriptors are closed, so 3 and 4 are named to be kept.
    return {"command": ("sh", "-c", script, "sh"), "pass_fds": (3, 4), "preexec": preexec}


def test_descriptor_0_is_served_as_spawn_fcgi_hands_it_over(listening, start, tmp_path, user, track):
    server, path = listening("stream")
    process = start(stdin=server, NOVATUNE_GATE_LISTEN=f"unix:{tmp_path}/gate")
    status, body = ask(path, track, user.token)
    assert status == 200 and track.object_key.encode() in body
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


def test_sockets_of_systemd_outlive_the_process_and_lose_nothing(listening, start, user, track):
    (stream, stream_path), (gate, gate_path) = listening("stream"), listening("gate")
    first = start(**as_systemd(stream, gate))
    assert ask(stream_path, track, user.token)[0] == 200
    with fastcgi_client.connect(gate_path) as connection:
        fastcgi_client.send(connection, {"DOCUMENT_URI": "/healthz"})
        assert fastcgi_client.receive(connection)[0] == 200
    first.send_signal(signal.SIGTERM)
    assert first.wait(10) == 0
    # No responder serves now: the request waits in the socket's queue for the next process.
    with fastcgi_client.connect(stream_path) as waiting:
        fastcgi_client.send(waiting, fastcgi_client.stream_request(track.id, user.token))
        start(**as_systemd(stream, gate))
        assert fastcgi_client.receive(waiting)[0] == 200


def test_own_socket_is_for_owner_and_group_only(stack):
    for name in ("STREAM_SOCKET", "GATE_SOCKET"):
        assert stat.S_IMODE(os.stat(stack[name].removeprefix("unix:")).st_mode) == 0o660


def test_requests_in_the_queue_at_sigterm_are_answered(listening, start, tmp_path, user, track):
    """The process is frozen while requests queue up; the signal comes before any of them is accepted."""
    server, path = listening("stream")
    process = start(stdin=server, NOVATUNE_GATE_LISTEN=f"unix:{tmp_path}/gate")
    os.kill(process.pid, signal.SIGSTOP)
    queued = [fastcgi_client.connect(path) for _ in range(8)]
    for connection in queued:
        fastcgi_client.send(connection, fastcgi_client.stream_request(track.id, user.token))
    os.kill(process.pid, signal.SIGTERM)
    os.kill(process.pid, signal.SIGCONT)
    assert [fastcgi_client.receive(connection)[0] for connection in queued] == [200] * 8
    assert process.wait(10) == 0
    for connection in queued:
        connection.close()
