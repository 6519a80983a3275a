"""`novatune-streamd health`: what probes of containers run."""

import socket
import subprocess
import time
from contextlib import contextmanager

import pytest

from harness.responder import Responder


@pytest.fixture
def responder(stack, tmp_path):
    responder = Responder(stack, tmp_path)
    yield responder
    responder.kill()


@pytest.fixture
def healthy(stack, command):
    def healthy(*arguments, **settings):
        return command("health", *arguments, **{"NOVATUNE_GATE_LISTEN": stack["GATE_SOCKET"]} | settings)

    return healthy


@contextmanager
def listening(path, answer=None):
    """A server that takes one connection, and answers nothing, or `answer`."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(1)
        if answer is None:
            yield
            return
        program = "import socket, sys; c = socket.socket(fileno=0).accept()[0]; c.sendall(sys.argv[1].encode())"
        with subprocess.Popen(["python3", "-c", program, answer], stdin=server.fileno()) as process:
            yield
            process.kill()


def test_running_responder_is_alive(healthy):
    done = healthy()
    assert (done.returncode, done.stdout, done.stderr) == (0, "alive\n", "")


def test_running_responder_is_ready(healthy):
    done = healthy("--ready")
    assert done.returncode == 0 and done.stdout.startswith("ready\n") and done.stderr == ""


def test_address_is_taken_from_the_settings_file(stack, command):
    done = command("health", "--config", stack.state / "responder.conf")
    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr


def test_tcp_socket_is_asked(responder, command):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    responder.start(NOVATUNE_LISTEN=f"unix:{responder.stream_socket}", NOVATUNE_GATE_LISTEN=f"127.0.0.1:{port}")
    for address in (f"127.0.0.1:{port}", f"localhost:{port}", f"0.0.0.0:{port}"):
        done = command("health", NOVATUNE_GATE_LISTEN=address)
        assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr


def test_responder_without_its_database_is_alive_and_not_ready(responder, command):
    responder.leave_out("DATABASE_URL")
    responder.start_on_own_sockets(NOVATUNE_DATABASE_URL="postgresql://novatune_responder@127.0.0.1:1/novatune")
    responder.gate("/readyz")
    gate = f"unix:{responder.gate_socket}"
    assert command("health", "--gate", gate).returncode == 0
    done = command("health", "--ready", "--gate", gate)
    assert done.returncode == 1
    assert "not ready: database: " in done.stderr and "object_store" not in done.stderr
    assert "ready" not in done.stdout.splitlines()


def test_ended_responder_is_not_alive(responder, command):
    responder.start_on_own_sockets().stop()
    done = command("health", NOVATUNE_GATE_LISTEN=f"unix:{responder.gate_socket}")
    assert done.returncode == 1 and done.stdout == ""
    assert f"unix:{responder.gate_socket}: no responder listens there" in done.stderr


def test_stream_socket_is_named_as_the_wrong_one(stack, healthy):
    done = healthy("--gate", stack["STREAM_SOCKET"])
    assert done.returncode == 1 and "NOVATUNE_GATE_LISTEN, not NOVATUNE_LISTEN" in done.stderr


def test_server_that_does_not_answer_is_given_up(tmp_path, command):
    with listening(tmp_path / "silent"):
        began = time.monotonic()
        done = command("health", "--gate", f"unix:{tmp_path}/silent", "--timeout", "300ms")
    assert done.returncode == 1 and "no answer in time" in done.stderr
    assert 0.3 <= time.monotonic() - began < 3


def test_full_queue_of_a_hanging_responder_is_given_up(tmp_path, command):
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as waiting:
        server.bind(str(tmp_path / "full"))
        server.listen(0)
        waiting.connect(str(tmp_path / "full"))
        done = command("health", "--gate", f"unix:{tmp_path}/full", "--timeout", "300ms")
    assert done.returncode == 1 and "no answer in time" in done.stderr


@pytest.mark.parametrize("answer", ["HTTP/1.1 400 Bad Request\r\n\r\n", "\x01\x06"])
def test_server_of_another_protocol_is_reported(tmp_path, command, answer):
    with listening(tmp_path / "other", answer):
        done = command("health", "--gate", f"unix:{tmp_path}/other")
    assert done.returncode == 1 and done.stdout == ""
    assert "does not speak FastCGI" in done.stderr or "closed without an answer" in done.stderr


@pytest.mark.parametrize("arguments, settings, code, words", [
    (["--timeout", "0s"], {}, 64, "--timeout"), (["--timeout", "soon"], {}, 64, "--timeout"),
    (["--gate", "fd:3"], {}, 64, "--gate"), (["--gate", "here"], {}, 64, "--gate"),
    ([], {"NOVATUNE_GATE_LISTEN": "fd:4"}, 78, "name its socket by --gate"),
    ([], {"NOVATUNE_GATE_LISTEN": "here"}, 78, "NOVATUNE_GATE_LISTEN"),
    (["--config", "/nonexistent"], {}, 78, "/nonexistent"),
    (["--gate", "novatune.invalid:9001"], {}, 1, "host's address is not found"),
])
def test_invalid_argument_or_setting_is_reported(healthy, arguments, settings, code, words):
    done = healthy(*arguments, **settings)
    assert done.returncode == code and words in done.stderr and done.stdout == ""
