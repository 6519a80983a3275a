"""FastCGI 1.0: records, and one request to a socket, as nginx would send it."""

import socket
import struct

from harness.wire import Answer, keep

BEGIN_REQUEST, END_REQUEST, PARAMS, STDIN, STDOUT = 1, 3, 4, 5, 6


def record(kind, id, content):
    return struct.pack(">BBHHBx", 1, kind, id, len(content), 0) + content


def connect(path):
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # Before it has a timeout: a blocking connect waits for room in the socket's queue, any other fails there.
        connection.connect(str(path))
    except OSError:
        connection.close()
        raise
    connection.settimeout(20)
    return connection


def send(connection, parameters, keep=False, body=b""):
    content = b"".join(_pair(name.encode(), value.encode()) for name, value in parameters.items())
    connection.sendall(
        # An empty record ends the parameters, so there is one alone where there are none.
        record(BEGIN_REQUEST, 1, struct.pack(">HB5x", 1, keep)) + (record(PARAMS, 1, content) if content else b"")
        + record(PARAMS, 1, b"")
        + b"".join(record(STDIN, 1, body[at : at + 32768]) for at in range(0, len(body), 32768))
        + record(STDIN, 1, b""))


def receive(connection):
    """Status and body; None where the connection ends without an answer."""
    output = b""
    with connection.makefile("rb") as stream:
        while header := stream.read(8):
            _, kind, _, length, padding = struct.unpack(">BBHHBx", header)
            content = stream.read(length)
            stream.read(padding)
            if kind == STDOUT:
                output += content
            if kind == END_REQUEST:
                head, _, body = output.partition(b"\r\n\r\n")
                status = int(head.split()[1])
                keep("/metrics" if status == 200 and b"streamUrl" not in body else "", Answer(status, (), body))
                return status, body
    return None


def stream_request(track_id, token):
    path = f"/tracks/{track_id}/stream"
    return {
        "REQUEST_METHOD": "POST", "REQUEST_URI": path, "DOCUMENT_URI": path, "HTTP_AUTHORIZATION": f"Bearer {token}",
        "CORRELATION_ID": "inherited",
    }


def _pair(name, value):
    return b"".join(struct.pack(">I", len(text) | 0x80000000) for text in (name, value)) + name + value
