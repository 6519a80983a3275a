"""TCP proxies that misbehave on command.

usage: proxy.py NAME=TARGET-HOST:TARGET-PORT...

Prints `NAME PORT` for each, listening on 127.0.0.1, then reads `NAME MODE` from standard input and answers each with
`ok`. Modes:
  pass       forwards
  delay      forwards 100 ms late, in both directions
  stall      takes connections and bytes, and forwards nothing
  trickle    one byte a second from the server
  reset      breaks every connection, old and new, with RST
  blackhole  old connections fall silent, new ones are never taken: SYN gets no answer
  refuse     closes every connection, nothing listens
"""

import contextlib
import socket
import struct
import sys
import threading
import time

DELAY_S, TRICKLE_S = 0.1, 1.0
MODES = {"pass", "delay", "stall", "trickle", "reset", "blackhole", "refuse"}


class Proxy:
    """One thread that accepts, two for each connection. Only the threads of a connection close it; others shut it
    down."""

    def __init__(self, name, host, port):
        self.name, self._target = name, (host, port)
        self._changed = threading.Condition()
        self._mode = "pass"
        self._pairs = set()
        self._plugs = []
        self._listener = None
        self.delay_s = DELAY_S
        # HTTP requests that begin a packet, as a client's do.
        self.requests = 0
        self.port = 0

    def listen(self):
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", self.port))
        self._listener.listen(256)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def point_at(self, host, port, breaks=True):
        """New connections go there, and old ones end where it `breaks` them."""
        with self._changed:
            self._target = (host, port)
            for pair in self._pairs if breaks else ():
                self._break(pair)

    def set_mode(self, mode):
        with self._changed:
            before, self._mode = self._mode, mode
            if mode in ("refuse", "reset"):
                for pair in self._pairs:
                    self._break(pair)
            self._changed.notify_all()
        if mode == before:
            return
        if before == "blackhole":
            for plug in self._plugs:
                plug.close()
            self._plugs.clear()
        if before in ("blackhole", "refuse"):
            self.listen()
        if mode in ("blackhole", "refuse"):
            # Ends its thread, too.
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        if mode == "blackhole":
            self._plug()

    def _plug(self):
        """Listens with a queue that is full: every further SYN is dropped."""
        silent = socket.socket()
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        silent.bind(("127.0.0.1", self.port))
        silent.listen(0)
        self._plugs.append(silent)
        for _ in range(3):
            plug = socket.socket()
            plug.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                plug.connect(("127.0.0.1", self.port))
            self._plugs.append(plug)

    def _break(self, pair):
        for end in pair:
            with contextlib.suppress(OSError):
                if self._mode == "reset":
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    # Closing would send the RST, but a thread may be reading; this ends the read, and the thread
                    # closes.
                end.shutdown(socket.SHUT_RD)

    def _accept(self, listener):
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        if self._mode == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            return
        try:
            server = socket.create_connection(self._target, timeout=10)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        pair = (client, server)
        for end in pair:
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._changed:
            self._pairs.add(pair)
        back = threading.Thread(target=self._pump, args=(server, client, True), daemon=True)
        back.start()
        self._pump(client, server, False)
        back.join()
        with self._changed:
            self._pairs.discard(pair)
        for end in pair:
            end.close()

    def _pump(self, source, sink, is_answer):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._hold()
                if not is_answer and data.startswith((b"GET ", b"POST ")):
                    self.requests += 1
                if self._mode == "delay":
                    time.sleep(self.delay_s)
                while data and is_answer and self._mode == "trickle":
                    sink.sendall(data[:1])
                    data = data[1:]
                    with self._changed:
                        self._changed.wait(TRICKLE_S)
                sink.sendall(data)
        # An end is not passed on either while nothing is.
        self._hold()
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RD if self._mode == "reset" else socket.SHUT_RDWR)

    def _hold(self):
        with self._changed:
            while self._mode in ("stall", "blackhole"):
                self._changed.wait()


def main(arguments):
    proxies = {}
    for argument in arguments:
        name, target = argument.split("=")
        host, port = target.rsplit(":", 1)
        proxies[name] = Proxy(name, host, int(port))
        proxies[name].listen()
        print(name, proxies[name].port, flush=True)
    for line in sys.stdin:
        name, mode = line.split()
        assert mode in MODES, mode
        proxies[name].set_mode(mode)
        print("ok", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
