"""A FastCGI application that answers what a test wants, to show what nginx makes of it."""

import contextlib
import socket
import struct
import threading

from harness.fastcgi import BEGIN_REQUEST, END_REQUEST, PARAMS, STDIN, STDOUT, record


def in_headers(status, answer="{}", user=None, **headers):
    """The CGI answer that carries an answer of `status` in its headers (ANSWER_IN=headers); `headers` are further ones
    of X-*."""
    named = {"Status": status, "Answer": answer, "User-Id": user} | {
        name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"X-{name}: {value}\r\n" for name, value in named.items() if value is not None]
    return ("Status: 204 No Content\r\n" + "".join(lines) + "\r\n").encode()


class Application:
    """`answer` is a function of the request's parameters that returns the CGI answer, None for silence, or `CLOSE`."""

    CLOSE = object()

    def __init__(self, path, answer):
        """`path` is a socket file, or (address, port)."""
        is_tcp = isinstance(path, tuple)
        self.address = "%s:%s" % path if is_tcp else f"unix:{path}"
        self.requests = []
        self._answer = answer
        # Each was accepted once.
        self.connections = 0
        self._held = []
        self._server = socket.socket(socket.AF_INET if is_tcp else socket.AF_UNIX, socket.SOCK_STREAM)
        self._server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._server.bind(path if is_tcp else str(path))
        self._server.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for connection in self._held:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                self._held.append(connection)
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError), connection.makefile("rb") as stream:
            while self._answer_one(connection, stream):
                pass
            connection.shutdown(socket.SHUT_RDWR)

    def _answer_one(self, connection, stream):
        """Whether nginx may send another request: a connection that it keeps must not be closed under it."""
        parameters, keep = b"", False
        while True:
            header = stream.read(8)
            if len(header) < 8:
                return False
            _, kind, id, length, padding = struct.unpack(">BBHHBx", header)
            content = stream.read(length)
            stream.read(padding)
            if kind == BEGIN_REQUEST:
                keep = bool(content[2] & 1)
            if kind == PARAMS:
                parameters += content
            if kind == STDIN and not content:
                break
        request = dict(pairs(parameters))
        self.requests.append(request)
        answer = self._answer(request)
        if answer is self.CLOSE:
            return False
        if answer is None:
            # Silence: until the other side has had enough.
            return bool(stream.read(1))
        parts = [record(STDOUT, id, answer[at : at + 32768]) for at in range(0, len(answer), 32768)]
        connection.sendall(b"".join(parts) + record(STDOUT, id, b"") + record(END_REQUEST, id, bytes(8)))
        return keep


def pairs(data):
    """FastCGI 1.0 §3.4: lengths of one or four bytes, then name and value."""
    position = 0

    def length():
        nonlocal position
        if data[position] < 128:
            position += 1
            return data[position - 1]
        position += 4
        return struct.unpack_from(">I", data, position - 4)[0] & 0x7FFFFFFF

    while position < len(data):
        name_length, value_length = length(), length()
        name = data[position : position + name_length]
        position += name_length
        yield name.decode(), data[position : position + value_length].decode("latin-1")
        position += value_length
