"""A second nginx with other settings, in front of the same responder."""

import contextlib
import os
import socket
import subprocess
from pathlib import Path

from support import evidence
from support.stack import REPOSITORY
from support.waiting import wait_for


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def render(stack, directory, **settings):
    """Runs nginx/render; the names of `settings` are those after NOVATUNE_NGINX_, or whole."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NOVATUNE_")}
    environment |= {
        "NOVATUNE_NGINX_STREAM_SOCKETS": stack["STREAM_SOCKET"],
        "NOVATUNE_NGINX_GATE_SOCKETS": stack["GATE_SOCKET"],
        "NOVATUNE_NGINX_ACCESS_LOG": f"{directory}/access.log",
        "NOVATUNE_NGINX_ERROR_LOG": f"{directory}/error.log",
        "NOVATUNE_NGINX_PLAYER_ROOT": str(REPOSITORY / "nginx/html"),
    }
    for name, value in settings.items():
        environment[name if name.startswith("NOVATUNE_") else f"NOVATUNE_NGINX_{name}"] = str(value)
    return subprocess.run(
        [REPOSITORY / "nginx/render", "--main", directory], env=environment, capture_output=True, text=True, timeout=20)


def command(directory, *arguments):
    program = next(path for path in ("/usr/sbin/nginx", "/usr/local/sbin/nginx", "nginx") if path == "nginx" or Path(path).exists())
    return [program, "-p", directory, "-c", f"{directory}/nginx.conf", "-e", f"{directory}/error.log", *arguments]


@contextlib.contextmanager
def nginx_with(stack, directory, **settings):
    """Yields the port it listens on."""
    port = free_port()
    rendered = render(stack, directory, LISTEN=f"127.0.0.1:{port}", **settings)
    assert rendered.returncode == 0, rendered.stderr
    evidence.keep_file(directory / "access.log")
    evidence.keep_file(directory / "error.log")
    # Two worker processes, as in production: whatever is shared must be in shared memory.
    process = subprocess.Popen(
        command(directory, "-g", "daemon off;"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: answers(port) or process.poll() is not None, 10, "the second nginx")
        assert process.poll() is None, (directory / "error.log").read_text()
        yield port
    finally:
        process.terminate()
        process.wait(10)


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
