"""As much of RESP2 as the tests need."""

import socket
from urllib.parse import urlsplit

from harness.waiting import wait_for


class Redis:
    def __init__(self, url):
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname, parts.port), timeout=5)
        self._file = self._socket.makefile("rb")
        self("SELECT", parts.path.lstrip("/") or "0")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()
        self._socket.close()

    def __call__(self, *arguments):
        parts = [part if isinstance(part, bytes) else str(part).encode() for part in arguments]
        self._socket.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))
        return self._reply()

    def stored(self, key):
        """The value, as soon as it is there: a responder writes to the cache after its answer."""
        return wait_for(lambda: self("GET", key), 10, "a value in the cache")

    def has(self, *keys):
        """Whether all are there, now or in a moment."""
        return wait_for(lambda: self("EXISTS", *keys) == len(keys), 10, "the keys in the cache")

    def _reply(self):
        line = self._file.readline()
        kind, rest = line[:1], line[1:].rstrip(b"\r\n")
        if kind == b"+":
            return rest.decode()
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self._file.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return [self._reply() for _ in range(int(rest))]
        raise AssertionError(f"the server answered {line!r}")
