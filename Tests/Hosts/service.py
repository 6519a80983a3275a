"""A host of the service, with nginx and responder, and the balancer in front of the hosts."""

import contextlib
import json
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from harness import nginx
from harness.responder import Responder
from harness.stack import environment_with
from harness.waiting import wait_for
from harness.wire import API

HTTP_PORT, STORE_PORT = 8080, 8000


class Host:
    """Another machine's `balancer` is the one that it believes and that may ask how it is."""

    def __init__(self, stack, machine, directory, balancer, **settings):
        self.machine, self._stack, self._settings = machine, stack, settings
        self._directory, self._nginx = directory / machine.name, None
        for name in ("responder", "nginx"):
            (self._directory / name).mkdir(parents=True)
        self._responder = Responder(stack, self._directory / "responder").leave_out(*(
            name.removeprefix("NOVATUNE_") for name in settings))
        rendered = nginx.render(
            stack, self._directory / "nginx", LISTEN=self.address,
            STREAM_SOCKETS=f"unix:{self._responder.stream_socket}", GATE_SOCKETS=f"unix:{self._responder.gate_socket}",
            TRUSTED_PROXIES=balancer.address, OPERATIONS_ALLOW=balancer.address,
            # All clients of this run have one address.
            CONNECTIONS_PER_ADDRESS=10_000)
        assert rendered.returncode == 0, rendered.stderr
        self.start()

    @property
    def address(self):
        return f"{self.machine.address}:{HTTP_PORT}"

    @property
    def name(self):
        return self.machine.name

    def start(self, **variables):
        """With further variables in the environment of both."""
        self._responder.start(
            self.machine.command, NOVATUNE_LISTEN=f"unix:{self._responder.stream_socket}",
            NOVATUNE_GATE_LISTEN=f"unix:{self._responder.gate_socket}", **self._settings, **variables)
        self._nginx = subprocess.Popen(
            [*self.machine.command, *nginx.command(self._directory / "nginx", "-g", "daemon off;")],
            env=environment_with(**variables), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        wait_for(self._answers, 10, f"nginx of {self.name}")

    def _answers(self):
        with contextlib.suppress(OSError), socket.create_connection((self.machine.address, HTTP_PORT), timeout=1):
            return True

    def stop(self):
        """Each finishes the requests that it has."""
        self._nginx.send_signal(signal.SIGQUIT)
        self._nginx.wait(30)
        self._responder.stop()

    def lose(self):
        self.machine.lose()
        self._responder.process.wait()
        self._nginx.wait()

    def restore(self):
        self.machine.restore()
        self.start()

    def is_ready(self):
        return self._responder.gate("/readyz")[0] == 200


class Balancer:
    """HAProxy; the guide shows `configuration`, unless the run was given another."""

    def __init__(self, configuration, machine, store_address, directory, hosts, stores):
        self._socket = directory / "balancer"
        self.api = API(f"http://{machine.address}:{HTTP_PORT}")
        self.store_endpoint = f"http://{store_address}:{STORE_PORT}"
        variables = {
            "NOVATUNE_BALANCER_SOCKET": self._socket, "NOVATUNE_STREAM_LISTEN": f"{machine.address}:{HTTP_PORT}",
            "NOVATUNE_STORE_LISTEN": f"{store_address}:{STORE_PORT}"}
        for kind, addresses in (("HOST", hosts), ("STORE", stores)):
            variables |= {f"NOVATUNE_{kind}_{number}": address for number, address in enumerate(addresses, 1)}
        with open(directory / "balancer.log", "wb") as log:
            self._process = subprocess.Popen(
                [*machine.command, program(), "-f", configuration, "-db"], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, env=environment_with(**{name: str(value) for name, value in variables.items()}))
        wait_for(lambda: Path(self._socket).exists() or self._process.poll() is not None, 10, "HAProxy")
        assert self._process.poll() is None, (directory / "balancer.log").read_text()

    def command(self, line):
        """What HAProxy answers on its socket."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self._socket))
            connection.sendall(line.encode() + b"\n")
            return b"".join(iter(lambda: connection.recv(65_536), b"")).decode()

    def servers(self, backend="hosts"):
        """Status and number of requests in work, by name."""
        found = {}
        for entry in json.loads(self.command("show stat json")):
            fields = {field["field"]["name"]: field["value"]["value"] for field in entry}
            if fields["pxname"] == backend and fields["svname"] not in ("BACKEND", "FRONTEND"):
                found[fields["svname"]] = fields["status"], fields["scur"]
        return found

    def all_up(self):
        return all(status == "UP" for backend in ("hosts", "stores") for status, _ in self.servers(backend).values())

    def drain(self, host):
        """No further request goes there, and those in work have their answers."""
        self.command(f"set server hosts/{host.name} state drain")
        wait_for(lambda: self.servers()[host.name][1] == 0, 20, f"{host.name} without a request")

    def use(self, host):
        """Returns when requests go there."""
        self.command(f"set server hosts/{host.name} state ready")
        wait_for(lambda: self.servers()[host.name][0] == "UP", 20, f"{host.name} up")


def program():
    """Debian keeps it where an ordinary PATH does not look."""
    return shutil.which("haproxy", path="/usr/local/sbin:/usr/sbin:/usr/bin") or "haproxy"
