"""HTTP/1.1 byte by byte: tests decide the request line and every header, and see every header of the answer."""

import contextlib
import json
import socket
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from urllib.parse import urlsplit

from harness import canaries, evidence


@dataclass(frozen=True)
class Answer:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name):
        """The value of a header that comes at most once; None where it does not come."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(values) <= 1, f"{name} occurs {len(values)} times: {values}"
        return values[0] if values else None

    def json(self):
        return json.loads(self.body)

    def member_names(self):
        return json.loads(self.body, object_pairs_hook=lambda pairs: [name for name, _ in pairs])


class Connection:
    """A kept connection; opened again where the server closed it after its last answer."""

    def __init__(self, host, port, timeout=20.0, tls=None, keeps=True):
        # Whether its answers are the service's and so may hold no secret.
        self._keeps = keeps
        self._address = (host, port)
        self._timeout = timeout
        self._tls = tls
        self._socket = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self._socket:
            self._socket.close()
            self._socket = None

    def send(self, data):
        if self._socket is None:
            self._socket = socket.create_connection(self._address, timeout=self._timeout)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls:
                self._socket = self._tls.wrap_socket(self._socket, server_hostname="localhost")
        self._socket.sendall(data)

    def answer(self, method="POST"):
        response = HTTPResponse(self._socket, method=method)
        try:
            response.begin()
            body = response.read()
            answer = Answer(response.status, tuple(response.getheaders()), body)
            if response.will_close:
                self.close()
            return answer
        finally:
            response.close()

    def exchange(self, method, target, headers=(), body=b""):
        try:
            self.send(request_bytes(method, target, headers, body, host="%s:%s" % self._address))
            answer = self.answer(method)
        except (OSError, HTTPException):
            self.close()
            raise
        if self._keeps:
            keep(target, answer)
        return answer


def keep(target, answer):
    """A stream URL is a secret from now on; an error must hold none."""
    evidence.keep_answer(target, answer)
    if answer.status == 200 and b'"streamUrl"' in answer.body:
        with contextlib.suppress(ValueError, KeyError):
            canaries.add_url(answer.json()["streamUrl"])


def request_bytes(method, target, headers=(), body=b"", host="localhost", version="HTTP/1.1"):
    headers = list(headers.items() if isinstance(headers, dict) else headers)
    names = {name.lower() for name, _ in headers}
    if "host" not in names:
        headers.insert(0, ("Host", host))
    if body and not names & {"content-length", "transfer-encoding"}:
        headers.append(("Content-Length", str(len(body))))
    lines = [f"{method} {target} {version}"] + [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


class API:
    """The service behind one nginx."""

    def __init__(self, base_url, tls=None):
        parts = urlsplit(base_url)
        self.host, self.port = parts.hostname, parts.port
        self._tls = tls

    def connection(self, timeout=20.0):
        return Connection(self.host, self.port, timeout, self._tls)

    def request(self, method, target, headers=(), body=b"", timeout=20.0):
        with self.connection(timeout) as connection:
            return connection.exchange(method, target, headers, body)

    def raw(self, data, method="POST", timeout=20.0):
        """Sends bytes as they are."""
        with self.connection(timeout) as connection:
            connection.send(data)
            answer = connection.answer(method)
        keep("", answer)
        return answer

    def stream(self, track, token=None, headers=(), method="POST", query="", **rest):
        """Asks for a stream URL; `track` is an id, or whatever stands in its place."""
        headers = dict(headers)
        if token is not None:
            headers.setdefault("Authorization", f"Bearer {token}")
        return self.request(method, f"/tracks/{track}/stream{query}", headers, **rest)

    def waveform(self, track, token=None, headers=(), **rest):
        """Asks for the URL of a waveform."""
        authorization = {} if token is None else {"Authorization": f"Bearer {token}"}
        return self.request("POST", f"/tracks/{track}/waveform", authorization | dict(headers), **rest)

    def stream_url(self, track, token):
        answer = self.stream(track, token)
        assert answer.status == 200, answer
        return answer.json()["streamUrl"]


def fetch(url, headers=(), method="GET", body=b"", connect_to=None):
    """Exactly this URL: no redirect, no normalisation. `connect_to` is where the store really is."""
    parts = urlsplit(url)
    target = parts.path + ("?" + parts.query if parts.query else "")
    reach = urlsplit(connect_to or url)
    # The store's errors name the object.
    with Connection(reach.hostname, reach.port, keeps=False) as connection:
        return connection.exchange(method, target, {"Host": parts.netloc, **dict(headers)}, body)
