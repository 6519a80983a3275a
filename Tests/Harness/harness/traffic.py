"""Requests that go on, on several connections, while a test does something to the stack."""

import itertools
import threading
import time
from dataclasses import dataclass
from http.client import HTTPException

from harness.wire import Answer


@dataclass(frozen=True)
class Sample:
    tag: object
    started: float
    ended: float
    answer: Answer | None
    error: str | None

    @property
    def status(self):
        return self.answer.status if self.answer else self.error

    @property
    def milliseconds(self):
        return (self.ended - self.started) * 1000


class Traffic:
    """Asks for `(track, token, tag)` one after the other, over and over, until the block ends or all were asked
    `rounds` times.

    `requests` may also be endless. With a `rate`, so many are due each second, also while earlier ones wait, as far as
    there are connections.
    """

    def __init__(self, api, requests, connections=4, pause=0.0, rounds=None, timeout=20.0, rate=None):
        self._api = api
        self._rate, self._due = rate, None
        self._timeout = timeout
        self._next = itertools.cycle(requests) if rounds is None else iter(list(requests) * rounds)
        self._pause = pause
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._samples = []
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(connections)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._stopping.set()
        self.wait()

    def wait(self):
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), "a request hangs"

    def samples(self, since=0.0, until=float("inf")):
        """Of the requests that were sent from `since` on and before `until`, in the order of their answers."""
        with self._lock:
            return [sample for sample in self._samples if since <= sample.started < until]

    @property
    def count(self):
        return len(self._samples)

    def statuses(self, since=0.0):
        return [sample.status for sample in self.samples(since)]

    def has_seen(self, status, count=1, since=0.0):
        return self.statuses(since).count(status) >= count

    def has_settled(self, since, count=40):
        """Whether the last `count` of the requests sent after `since` were all answered 200."""
        statuses = self.statuses(since)
        return len(statuses) >= count and set(statuses[-count:]) == {200}

    def recovered_at(self, since, count=60):
        """When the first of `count` answers in a row was sent that were all 200; None before that."""
        later = sorted(self.samples(since), key=lambda sample: sample.started)
        for at in range(len(later) - count + 1):
            if all(sample.status == 200 for sample in later[at : at + count]):
                return later[at].started
        return None

    def _run(self):
        with self._api.connection(self._timeout) as connection:
            while not self._stopping.is_set():
                with self._lock:
                    request, due = next(self._next, None), self._next_due()
                if request is None or self._stopping.wait(max(0, due - time.monotonic())):
                    return
                track, token, tag = request
                started = time.monotonic()
                answer = error = None
                try:
                    answer = connection.exchange(
                        "POST", f"/tracks/{track}/stream", {"Authorization": f"Bearer {token}"})
                except (OSError, HTTPException) as failure:
                    error = repr(failure)
                with self._lock:
                    self._samples.append(Sample(tag, started, time.monotonic(), answer, error))
                if self._pause:
                    self._stopping.wait(self._pause)

    def _next_due(self):
        if not self._rate:
            return 0
        self._due = time.monotonic() if self._due is None else self._due + 1 / self._rate
        return self._due
