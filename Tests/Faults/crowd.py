"""Requests that are sent side by side on a FastCGI socket, each on a connection of its own, in a process of its own.

usage: crowd.py SOCKET

Reads lines `TRACK TOKEN` up to an empty one, connects for each and prints `connected`. The next line says how many it
may send a second, 0 for no limit, and a number of answers; when all are sent it prints `sent`, and takes the answers.
After so many of them, unless the number is 0, it prints `answered`. After the last one, or after 30 s, it prints a line of JSON: for each answer when it came, its status and its Retry-After. It ends with its
standard input.
"""

import json
import resource
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "Harness"))

from harness import fastcgi
from harness.fastcgi import END_REQUEST, STDOUT


@dataclass(frozen=True)
class CrowdAnswer:
    at: float
    """By `time.monotonic`, which is the same for all processes."""
    status: int | None
    """None where the connection ended without an answer."""
    retry_after: str | None

    @property
    def is_in_form(self):
        return self.status == 200 or self.status == 503 and (self.retry_after or "").isdigit()


class Crowd:
    """`requests` are pairs of track and token. Each has its connection when the block begins."""

    def __init__(self, path, requests):
        self._path, self._requests = path, requests

    def __enter__(self):
        self._process = subprocess.Popen(
            [sys.executable, __file__, self._path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._tell("".join(f"{track} {token}\n" for track, token in self._requests), "connected\n")
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait(10)

    def send(self, rate=0, answers=0):
        """All requests, so many a second at most; returns once they have left, and so many answers were taken."""
        self._tell(f"{rate} {answers}", "sent\n")
        if answers:
            self._expect("answered\n")

    def _tell(self, text, expected):
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()
        self._expect(expected)

    def _expect(self, expected):
        said = self._process.stdout.readline()
        assert said == expected, f"{said!r} instead of {expected!r}"

    def answers(self):
        """Those that have come, once all have or 30 s are over."""
        return [CrowdAnswer(*answer) for answer in json.loads(self._process.stdout.readline())]


class Peer:
    """One connection and what has come on it."""

    def __init__(self, path, track, token):
        self.connection = fastcgi.connect(path)
        self._request, self._received = fastcgi.stream_request(track, token), bytearray()

    def send(self):
        fastcgi.send(self.connection, self._request, keep=True)

    def receive(self):
        """The answer, once it is there in full."""
        data = self.connection.recv(65536)
        if not data:
            return CrowdAnswer(time.monotonic(), None, None)
        self._received += data
        output, at = b"", 0
        while at + 8 <= len(self._received):
            kind, length, padding = self._received[at + 1], int.from_bytes(
                self._received[at + 4 : at + 6]), self._received[at + 6]
            if kind == STDOUT:
                output += self._received[at + 8 : at + 8 + length]
            if kind == END_REQUEST:
                return answer(bytes(output))
            at += 8 + length + padding
        return None


def answer(output):
    lines = output.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return CrowdAnswer(time.monotonic(), int(headers["status"].split()[0]), headers.get("retry-after"))


def main(path):
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    requests = [line.split() for line in iter(sys.stdin.readline, "\n")]
    waiting = {}
    events = select.epoll()
    for track, token in requests:
        peer = Peer(path, track, token)
        waiting[peer.connection.fileno()] = peer
        events.register(peer.connection, select.EPOLLIN)
    print("connected", flush=True)
    rate, early = map(int, sys.stdin.readline().split())
    began = time.monotonic()
    for number, peer in enumerate(waiting.values()):
        if rate and number % 50 == 0:
            time.sleep(max(0, began + number / rate - time.monotonic()))
        peer.send()
    print("sent", flush=True)
    answers, deadline = [], time.monotonic() + 30
    while len(answers) < len(requests) and time.monotonic() < deadline:
        for descriptor, _ in events.poll(1, 256):
            received = waiting[descriptor].receive()
            if received:
                # It keeps its connection, as nginx does.
                events.unregister(descriptor)
                answers.append((received.at, received.status, received.retry_after))
                if len(answers) == early:
                    print("answered", flush=True)
    print(json.dumps(answers), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
