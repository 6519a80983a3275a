"""Several responders behind the stack's nginx, each restarted, killed and started by itself."""

import os
import signal
import socket
import subprocess

from support.waiting import wait_for


class Responders:
    """In place of the stack's own. With `held`, this process holds their listening sockets, as systemd would."""

    def __init__(self, bench, count, held=False):
        self._bench, self._count, self._held = bench, count, held
        self._directory = bench.stack.state / "responders"
        self._directory.mkdir(exist_ok=True)
        self._processes, self._sockets = {}, {}

    def __enter__(self):
        stack = self._bench.stack
        stack.stop("responder")
        for number in range(self._count):
            if self._held:
                for name in ("stream", "gate"):
                    path = self._path(name, number)
                    path.unlink(missing_ok=True)
                    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                    server.bind(str(path))
                    server.listen(4096)
                    self._sockets[name, number] = server
            self.start(number)
        sockets = {name: " ".join(f"unix:{self._path(name, number)}" for number in range(self._count)) for name in ("stream", "gate")}
        stack.stop("nginx")
        stack.start(
            "nginx", NOVATUNE_NGINX_STREAM_SOCKETS=sockets["stream"], NOVATUNE_NGINX_GATE_SOCKETS=sockets["gate"],
            NOVATUNE_RATE_LIMIT_PER_MINUTE="100000", NOVATUNE_NGINX_CONNECTIONS_PER_ADDRESS="10000")
        # Each responder counts only its own answers, so no counter shows all hits.
        wait_for(self._bench.all_answered, 60, "answers from all responders")
        return self

    def __exit__(self, *_):
        for number in list(self._processes):
            self.stop(number)
        for server in self._sockets.values():
            server.close()
        stack = self._bench.stack
        stack.stop("nginx")
        stack.start("nginx", NOVATUNE_RATE_LIMIT_PER_MINUTE="100000", NOVATUNE_NGINX_CONNECTIONS_PER_ADDRESS="10000")
        stack.start("responder")

    def _path(self, name, number):
        # Short: a socket's path has 107 bytes at most.
        return self._bench.stack.state / "run" / f"{name}{number}.sock"

    def start(self, number):
        stack = self._bench.stack
        lines = (stack.state / "responder.conf").read_text().splitlines()
        config = self._directory / f"{number}.conf"
        config.write_text("\n".join(line for line in lines if "LISTEN" not in line) + "\nNOVATUNE_PRESIGN_EXPIRY=7200s\n")
        config.chmod(0o600)
        log = self._directory / f"{number}.log"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("NOVATUNE_")}
        command, handed = [stack["RESPONDER_BINARY"], "--config", config], {}
        if self._held:
            pair = [self._sockets[name, number] for name in ("stream", "gate")]

            def preexec():
                copies = [os.dup(server.fileno()) for server in pair]
                for target, copy in enumerate(copies, start=3):
                    os.dup2(copy, target, inheritable=True)

            # The shell knows its own pid, which exec keeps.
            script = 'export LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=stream:gate; exec "$@"'
            command = ["sh", "-c", script, "sh", *command]
            handed = {"pass_fds": (3, 4), "preexec_fn": preexec}
        else:
            environment["NOVATUNE_LISTEN"] = f"unix:{self._path('stream', number)}"
            environment["NOVATUNE_GATE_LISTEN"] = f"unix:{self._path('gate', number)}"
        with open(log, "wb") as output:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=output, env=environment, **handed)
        self._processes[number] = process
        wait_for(lambda: b'"ready"' in log.read_bytes() or process.poll() is not None, 20, "a responder's start")
        assert process.poll() is None, log.read_text()

    def stop(self, number):
        process = self._processes.pop(number)
        process.send_signal(signal.SIGTERM)
        process.wait(20)

    def kill(self, number):
        process = self._processes.pop(number)
        process.kill()
        process.wait(5)

    def restart(self, number):
        self.stop(number)
        self.start(number)
