"""A second nginx with other settings, in front of the same responder."""

import contextlib
import os
import shutil
import socket
import subprocess

from harness import evidence
from harness.stack import REPOSITORY, environment_with
from harness.waiting import wait_for


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def render(stack, directory, root=REPOSITORY, **settings):
    """Runs nginx/render of the commit in `root`; the names of `settings` are those after NOVATUNE_NGINX_, or whole."""
    settings = {
        "STREAM_SOCKETS": stack["STREAM_SOCKET"], "GATE_SOCKETS": stack["GATE_SOCKET"],
        "ACCESS_LOG": f"{directory}/access.log",
        "ERROR_LOG": f"{directory}/error.log", "PLAYER_ROOT": root / "nginx/html",
    } | settings
    environment = environment_with(**{
        name if name.startswith("NOVATUNE_") else f"NOVATUNE_NGINX_{name}": str(value)
        for name, value in settings.items()})
    return subprocess.run(
        [root / "nginx/render", "--main", directory], env=environment, capture_output=True, text=True, timeout=20)


def program():
    """The first in PATH, so that another version can be tested; Debian's is where an ordinary PATH does not look."""
    return shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/local/sbin:/usr/sbin") or "nginx"


def version():
    """As (1, 22, 1)."""
    printed = subprocess.run([program(), "-v"], capture_output=True, text=True, timeout=10).stderr
    return tuple(int(part) for part in printed.strip().rpartition("/")[2].split()[0].split("."))


def command(directory, *arguments):
    return [program(), "-p", directory, "-c", f"{directory}/nginx.conf", "-e", f"{directory}/error.log", *arguments]


@contextlib.contextmanager
def started(stack, directory, root=REPOSITORY, sites=lambda port: {}, account=None, **settings):
    """Yields the port it listens on, and its process. `sites` are further files of conf.d, by name, for this port;
    PORT in a setting stands for it, too. The workers have the account named `account`, else that of the test."""
    port = free_port()
    settings = {name: str(value).replace("PORT", str(port)) for name, value in settings.items()}
    # Another nginx that the test has started there has left its settings.
    (directory / "novatune/settings.env").unlink(missing_ok=True)
    rendered = render(stack, directory, root, **{"LISTEN": f"127.0.0.1:{port}"} | settings)
    assert rendered.returncode == 0, rendered.stderr
    if account:
        main = directory / "nginx.conf"
        main.write_text(main.read_text().replace("user root;", f"user {account};"))
    for name, text in sites(port).items():
        (directory / "conf.d" / name).write_text(text)
    evidence.keep_file(directory / "access.log")
    evidence.keep_file(directory / "error.log")
    # Two worker processes, as in production: shared state must be in shared memory.
    process = subprocess.Popen(
        command(directory, "-g", "daemon off;"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: answers(port) or process.poll() is not None, 10, "the second nginx")
        assert process.poll() is None, (directory / "error.log").read_text()
        yield port, process
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def nginx_with(stack, directory, **settings):
    """Yields the port it listens on."""
    with started(stack, directory, **settings) as (port, _):
        yield port


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
