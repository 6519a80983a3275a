"""Peers on the FastCGI socket that are not nginx, or no longer what it was."""

import array
import contextlib
import fcntl
import select
import struct
import termios
import threading
import time

from harness import fastcgi, process
from harness.fastcgi import BEGIN_REQUEST, PARAMS, STDIN, record
from harness.waiting import wait_for
from health import HealthWatch
from traffic import counts, flaws

BEGIN = record(BEGIN_REQUEST, 1, struct.pack(">HB5x", 1, 1))
MALFORMED = {
    "version 9": struct.pack(">BBHHBx", 9, 1, 1, 8, 0) + bytes(8),
    "begin record of 60,000 bytes": record(BEGIN_REQUEST, 1, bytes(60_000)),
    "unknown role": record(BEGIN_REQUEST, 1, struct.pack(">HB5x", 99, 1)) + record(PARAMS, 1, b"")
    + record(STDIN, 1, b""),
    "unknown type": BEGIN + record(77, 1, b"what") + record(PARAMS, 1, b"") + record(STDIN, 1, b""),
    "abort": BEGIN + record(2, 1, b""),
    "abort after parameters": BEGIN + record(PARAMS, 1, b"") + record(2, 1, b""),
    "second id in one request": BEGIN + record(PARAMS, 2, b"\x01\x01ab") + record(PARAMS, 1, b"")
    + record(STDIN, 2, b"x") + record(STDIN, 1, b""),
    "two begins": BEGIN + record(BEGIN_REQUEST, 2, struct.pack(">HB5x", 1, 1)) + record(PARAMS, 1, b"")
    + record(STDIN, 1, b""),
    "half a record, then silence": BEGIN + record(PARAMS, 1, b"x" * 100)[:50],
    "a header, then silence": BEGIN[:8],
    "parameters without an end": BEGIN + record(PARAMS, 1, b"\x01\x01ab"),
    "body without an end": BEGIN + record(PARAMS, 1, b"") + record(STDIN, 1, b"x"),
    "4 kB of noise": bytes(range(1, 255)) * 16,
    "noise that begins like a request": BEGIN + bytes(range(1, 255)) * 16,
    "length beyond what follows": BEGIN + struct.pack(">BBHHBx", 1, PARAMS, 1, 4, 0) + b"\xff\xff\xff\xff",
}
# Of each kind at a time.
CROWD = 32
# How long a request may take to arrive; the responder looks four times a second.
ARRIVAL_S = 4.5


def peers(bench, report, options):
    """Whatever they send: the responder does not end, nothing leaks, and others are answered meanwhile."""
    bench.responder_with(proxied=())
    path, pid = bench.stack["STREAM_SOCKET"].removeprefix("unix:"), bench.responder
    good = fastcgi.stream_request(*bench.hits[0])
    before = process.threads(pid), bench.descriptors()
    with bench.traffic(connections=2, misses_in_ten=0) as traffic, HealthWatch(bench.stack["BASE_URL"]) as health:
        slow = [Trickling(path, good) for _ in range(4)]
        for name, data in MALFORMED.items():
            malformed(report, traffic, path, name, data)
        large(report, path, good)
        pipelined(report, path, good)
        never_reads(report, traffic, path, good)
        for peer in slow:
            peer.join()
            report.check(
                f"a trickling request is abandoned after {ARRIVAL_S} s, not {peer.seconds:.1f} s",
                ARRIVAL_S - 0.1 <= peer.seconds < ARRIVAL_S + 1.5)
    samples = traffic.samples()
    found = flaws(samples)
    report.check(f"other requests are answered 200: {found}, {dict(counts(samples))}", not found
        and set(counts(samples)) == {200})
    slowest = max(sample.milliseconds for sample in samples)
    report.check(f"no other request waited for them: {slowest:.0f} ms at worst", slowest < 1000)
    health.judge(report, "peers")
    report.check("the responder never ended", bench.stack.responder_is_running() and bench.responder == pid)
    try:
        wait_for(lambda: process.threads(pid) == before[0] and bench.descriptors() <= before[1], 10)
    except AssertionError:
        report.check(f"threads and descriptors {before} do not grow", False)
    report.note(
        f"{len(MALFORMED) + 5} kinds of peers, {CROWD} of each malformed one; {len(samples)} answers beside them, the"
        f" slowest {slowest:.0f} ms")


def malformed(report, traffic, path, name, data):
    held = []
    for _ in range(CROWD):
        connection = fastcgi.connect(path)
        with contextlib.suppress(OSError):
            connection.sendall(data)
        held.append(connection)
    start = time.monotonic()
    wait_for(lambda: len(traffic.samples(start)) > 4, 6, f"answers beside {name}")
    elapsed = time.monotonic() - start
    report.check(f"{name}: other requests are answered within 1 s, not {elapsed:.1f} s", elapsed < 1)
    for connection in held:
        connection.close()


def large(report, path, good):
    def pairs(count, size):
        return {f"NAME_{number}": "v" * size for number in range(count)}

    for name, request in {
        "200 parameters": good | pairs(200, 20), "a parameter of 60 kB": good | pairs(1, 60_000)}.items():
        with fastcgi.connect(path) as connection:
            # Records hold at most 65,535 bytes.
            content = parameters(request)
            connection.sendall(
                record(BEGIN_REQUEST, 1, struct.pack(">HB5x", 1, 0))
                + b"".join(record(PARAMS, 1, content[at : at + 60_000]) for at in range(0, len(content), 60_000))
                + record(PARAMS, 1, b"") + record(STDIN, 1, b""))
            report.check(f"{name}: is answered", fastcgi.receive(connection)[0] == 200)


def pipelined(report, path, good):
    """The next request before the answer to the first, which no web server sends: neither may be taken for a part of
    the other."""
    with fastcgi.connect(path) as connection:
        connection.sendall(whole(good) * 2)
        report.check("a peer that does not wait for its answer is disconnected", is_disconnected(connection, 2))


def never_reads(report, traffic, path, good):
    """Asks again as soon as its answer is there, and takes none."""
    with fastcgi.connect(path) as connection:
        start, asked, arrived = time.monotonic(), 0, 0
        while asked < 1000 and not is_disconnected(connection, 0):
            with contextlib.suppress(OSError):
                connection.sendall(whole(good))
            asked += 1
            # Once it is there, not before: that would be pipelining.
            deadline = time.monotonic() + 2
            while waiting_bytes(connection) == arrived and not is_disconnected(
                    connection, 0.002) and time.monotonic() < deadline:
                pass
            arrived = waiting_bytes(connection)
        report.check(f"a peer that reads no answer is disconnected after {asked} answers", 10 < asked < 1000)
        report.check("other requests are answered meanwhile", traffic.samples(start))


def is_disconnected(connection, seconds):
    """Whether the other side has closed it, within that time; what has arrived before may still be read."""
    poll = select.poll()
    poll.register(connection, select.POLLHUP)
    return any(events & (select.POLLHUP | select.POLLERR) for _, events in poll.poll(seconds * 1000))


def waiting_bytes(connection):
    count = array.array("i", [0])
    fcntl.ioctl(connection, termios.FIONREAD, count)
    return count[0]


def parameters(request):
    return b"".join(fastcgi._pair(name.encode(), value.encode()) for name, value in request.items())


def whole(request):
    return BEGIN + record(PARAMS, 1, parameters(request)) + record(PARAMS, 1, b"") + record(STDIN, 1, b"")


class Trickling:
    """Sends a byte ten times a second, until it is disconnected."""

    def __init__(self, path, request):
        self._path, self._data = path, whole(request)
        self.seconds = float("inf")
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def join(self):
        self._thread.join(20)

    def _run(self):
        with fastcgi.connect(self._path) as connection:
            began = time.monotonic()
            for byte in self._data:
                with contextlib.suppress(OSError):
                    connection.sendall(bytes([byte]))
                if is_disconnected(connection, 0.1):
                    self.seconds = time.monotonic() - began
                    return
                if time.monotonic() > began + 15:
                    return
