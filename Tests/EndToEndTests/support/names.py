"""A DNS server for one name, whose address a test changes."""

import contextlib
import socket
import struct
import threading


class Names:
    """Answers each question for an A record with `host`, valid for one second; RFC 1035 section 4."""

    def __init__(self, host):
        self.host = host
        self._server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._server.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        # An empty datagram ends it.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(b"", self._server.getsockname())
        self._thread.join()
        self._server.close()

    def _serve(self):
        while True:
            question, client = self._server.recvfrom(512)
            if not question:
                return
            with contextlib.suppress(OSError):
                self._server.sendto(self._answer(question), client)

    def _answer(self, question):
        name_end = question.index(b"\0", 12) + 1
        kind, = struct.unpack_from(">H", question, name_end)
        is_address = kind == 1
        head = question[:2] + struct.pack(">HHHHH", 0x8180, 1, is_address, 0, 0) + question[12 : name_end + 4]
        record = struct.pack(">HHHIH", 0xC00C, 1, 1, 1, 4) + socket.inet_aton(self.host)
        return head + (record if is_address else b"")
