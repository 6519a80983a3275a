"""A responder beside the stack's own, on sockets of its own, with the stack's settings."""

import json
import os
import subprocess

from support import evidence, fastcgi_client
from support.metrics import parsed
from support.waiting import wait_for


def settings(stack):
    """Lines of the stack's settings, without where it listens."""
    lines = (stack.state / "responder.conf").read_text().splitlines()
    return "".join(f"{line}\n" for line in lines if "LISTEN" not in line)


class Responder:
    """Runs from `start` on until `kill`; `directory` is its own."""

    def __init__(self, stack, directory):
        self.log_file = directory / "responder.log"
        evidence.keep_file(self.log_file)
        self.stream_socket, self.gate_socket = directory / "stream", directory / "gate"
        self.process = self._unread = None
        self._binary = stack["RESPONDER_BINARY"]
        self._config = directory / "responder.conf"
        self._config.write_text(settings(stack))
        self._config.chmod(0o600)

    def leave_out(self, *parts):
        """Of the stack's settings, those with one of `parts` in their names."""
        lines = self._config.read_text().splitlines()
        kept = [line for line in lines if not any(part in line.partition("=")[0] for part in parts)]
        self._config.write_text("".join(f"{line}\n" for line in kept))
        return self

    def start(self, command=(), stdin=subprocess.DEVNULL, pass_fds=(), preexec=None, **settings):
        with open(self.log_file, "ab") as output:
            self._run(command, stdin, output, pass_fds, preexec, settings)
        wait_for(lambda: '"ready"' in self.log() or self.process.poll() is not None, 20, "the responder's start")
        assert self.process.poll() is None, self.log()
        return self

    def start_on_own_sockets(self, **settings):
        return self.start(NOVATUNE_LISTEN=f"unix:{self.stream_socket}", NOVATUNE_GATE_LISTEN=f"unix:{self.gate_socket}", **settings)

    def start_unread(self):
        """With a log that is never read: a pipe."""
        self._unread, output = os.pipe()
        settings = {"NOVATUNE_LISTEN": f"unix:{self.stream_socket}", "NOVATUNE_GATE_LISTEN": f"unix:{self.gate_socket}"}
        self._run((), subprocess.DEVNULL, output, (), None, settings)
        os.close(output)
        wait_for(lambda: self.gate_socket.exists() or self.process.poll() is not None, 20, "the responder's start")
        assert self.process.poll() is None
        return self

    def _run(self, command, stdin, log, pass_fds, preexec, settings):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("NOVATUNE_")} | settings
        self.process = subprocess.Popen(
            [*command, self._binary, "--config", self._config], stdin=stdin, stderr=log, env=environment, pass_fds=pass_fds, preexec_fn=preexec)

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        if self._unread:
            os.close(self._unread)
            self._unread = None

    def log(self):
        return self.log_file.read_text(errors="replace")

    def ask(self, track, token):
        """Status and body."""
        return self._exchange(self.stream_socket, fastcgi_client.stream_request(track.id, token))

    def gate(self, path):
        """Status and body."""
        return self._exchange(self.gate_socket, {"DOCUMENT_URI": path})

    def metrics(self):
        return parsed(self.gate("/metrics")[1].decode())

    def readiness(self):
        return json.loads(self.gate("/readyz")[1])["dependencies"]

    def events(self, name):
        """Log lines of one event."""
        lines = (json.loads(line) for line in self.log().splitlines())
        return [line for line in lines if line["event"] == name]

    def wait_for_event(self, name, count=1):
        """The `count`-th line of this event."""
        return wait_for(lambda: self.events(name)[count - 1 :], 10, f"{name} in the log")[0]

    @staticmethod
    def _exchange(socket, parameters):
        with fastcgi_client.connect(socket) as connection:
            fastcgi_client.send(connection, parameters)
            return fastcgi_client.receive(connection)
