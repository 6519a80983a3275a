"""Several responders behind the stack's nginx, each restarted, killed and started by itself."""

import socket

from bench import UNLIMITED
from harness.responder import Responder, as_systemd
from harness.waiting import wait_for


class Responders:
    """In place of the stack's own. With `held`, this process holds their listening sockets, as systemd would."""

    def __init__(self, bench, count, held=False):
        self._bench, self._count, self._held = bench, count, held
        self._responders, self._sockets = [], []

    def __enter__(self):
        stack = self._bench.stack
        stack.stop("responder")
        for number in range(self._count):
            directory = stack.state / f"responder{number}"
            directory.mkdir(exist_ok=True)
            responder = Responder(stack, directory)
            self._responders.append(responder)
            if self._held:
                self._sockets.append([listening(responder.stream_socket), listening(responder.gate_socket)])
            self.start(number)
        stack.stop("nginx")
        stack.start(
            "nginx", NOVATUNE_NGINX_STREAM_SOCKETS=" ".join(f"unix:{each.stream_socket}" for each in self._responders),
            NOVATUNE_NGINX_GATE_SOCKETS=" ".join(f"unix:{each.gate_socket}" for each in self._responders), **UNLIMITED)
        # Each responder counts only its own answers, so no counter shows all hits.
        wait_for(self._bench.all_answered, 60, "answers from all responders")
        return self

    def __exit__(self, *_):
        for responder in self._responders:
            responder.stop()
        for pair in self._sockets:
            for server in pair:
                server.close()
        stack = self._bench.stack
        stack.stop("nginx")
        stack.start("nginx", **UNLIMITED)
        stack.start("responder")

    def start(self, number):
        responder, settings = self._responders[number], {"NOVATUNE_PRESIGN_EXPIRY": "7200s"}
        if self._held:
            responder.start(**as_systemd(*self._sockets[number]), **settings)
        else:
            responder.start_on_own_sockets(**settings)

    def kill(self, number):
        self._responders[number].kill()

    def restart(self, number):
        self._responders[number].stop()
        self.start(number)


def listening(path):
    path.unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(str(path))
    server.listen(4096)
    return server
