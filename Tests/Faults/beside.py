"""A responder and an nginx beside the stack's own, on sockets and a port of their own."""

import contextlib
import tempfile
from pathlib import Path

from harness.nginx import nginx_with
from harness.responder import Responder


@contextlib.contextmanager
def responder_beside(bench, name, command=(), **settings):
    """Yields the responder and its nginx's address. `command` comes before the responder's own; `settings` win over the
    stack's."""
    directory = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=bench.stack.state))
    responder = Responder(bench.stack, directory)
    try:
        responder.start_on_own_sockets(command=command, **settings)
        with nginx_with(
            bench.stack, directory, STREAM_SOCKETS=f"unix:{responder.stream_socket}",
            GATE_SOCKETS=f"unix:{responder.gate_socket}",
            NOVATUNE_RATE_LIMIT_PER_MINUTE="100000", CONNECTIONS_PER_ADDRESS="10000") as port:
            yield responder, f"http://127.0.0.1:{port}"
    finally:
        responder.kill()
