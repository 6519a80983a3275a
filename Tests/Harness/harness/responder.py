"""A responder beside the stack's own, on sockets of its own, with the stack's settings."""

import contextlib
import json
import os
import signal
import subprocess
from pathlib import Path

from harness import evidence, fastcgi
from harness.metrics import parsed
from harness.stack import environment_with
from harness.waiting import wait_for


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
        self.config = directory / "responder.conf"
        self.config.write_text(settings(stack))
        self.config.chmod(0o600)

    def leave_out(self, *parts):
        """Of the stack's settings, those with one of `parts` in their names."""
        lines = self.config.read_text().splitlines()
        kept = [line for line in lines if not any(part in line.partition("=")[0] for part in parts)]
        self.config.write_text("".join(f"{line}\n" for line in kept))
        return self

    def start(self, command=(), stdin=subprocess.DEVNULL, pass_fds=(), preexec=None, **settings):
        with open(self.log_file, "ab") as output:
            former = output.tell()
            self._run(command, stdin, output, pass_fds, preexec, settings)
        is_ready = lambda: b'"ready"' in self.log_file.read_bytes()[former:]
        wait_for(lambda: is_ready() or self.process.poll() is not None, 20, "the responder's start")
        assert self.process.poll() is None, self.log()
        return self

    def start_on_own_sockets(self, **settings):
        return self.start(
            NOVATUNE_LISTEN=f"unix:{self.stream_socket}", NOVATUNE_GATE_LISTEN=f"unix:{self.gate_socket}", **settings)

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
        environment = environment_with(**settings)
        self.process = subprocess.Popen(
            [*command, self._binary, "--config", self.config], stdin=stdin, stderr=log, env=environment,
            pass_fds=pass_fds, preexec_fn=preexec)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        if self._unread:
            os.close(self._unread)
            self._unread = None

    def descriptors(self):
        """What each of its open descriptors is."""
        links = Path(f"/proc/{self.process.pid}/fd")
        found = []
        for link in links.iterdir():
            with contextlib.suppress(FileNotFoundError):
                found.append(os.readlink(link))
        return found

    def log(self):
        return self.log_file.read_text(errors="replace")

    def ask(self, track, token):
        """Status and body."""
        return self._exchange(self.stream_socket, fastcgi.stream_request(track.id, token))

    def gate(self, path):
        """Status and body; of /readyz, from each dependency's first probe on, which a request does not wait for."""
        ask = lambda: self._exchange(self.gate_socket, {"DOCUMENT_URI": path})
        if path != "/readyz":
            return ask()
        is_probed = lambda answer: answer if b"not probed yet" not in answer[1] else None
        return wait_for(lambda: is_probed(ask()), 20, "the first probe of each dependency")

    def metrics(self):
        return parsed(self.gate("/metrics")[1].decode())

    def readiness(self):
        return json.loads(self.gate("/readyz")[1])["dependencies"]

    def events(self, name):
        """Log lines of one event. A line that has no end yet is still being written."""
        lines = (json.loads(line) for line in self.log().rpartition("\n")[0].splitlines())
        return [line for line in lines if line["event"] == name]

    def wait_for_event(self, name, count=1):
        """The `count`-th line of this event."""
        return wait_for(lambda: self.events(name)[count - 1 :], 10, f"{name} in the log")[0]

    @staticmethod
    def _exchange(socket, parameters):
        with fastcgi.connect(socket) as connection:
            fastcgi.send(connection, parameters)
            return fastcgi.receive(connection)


def as_systemd(stream, gate):
    """Options of `start`: the sockets on 3 and 4, and a shell in between that knows its own pid, which exec keeps."""

    def preexec():
        copies = [os.dup(server.fileno()) for server in (stream, gate)]
        for target, copy in enumerate(copies, start=3):
            os.dup2(copy, target, inheritable=True)

    script = 'export LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=stream:gate; exec "$@"'
    # preexec_fn runs before descriptors are closed, so 3 and 4 are named to be kept.
    return {"command": ("sh", "-c", script, "sh"), "pass_fds": (3, 4), "preexec": preexec}
