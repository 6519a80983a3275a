"""Requests that go on while something is broken, and what became of each."""

import collections
import itertools
import json
import threading
import time
from dataclasses import dataclass
from http.client import HTTPException

from support.wire import API


@dataclass(frozen=True)
class Sample:
    kind: str
    started: float
    ended: float
    status: int | None
    """None where there was no answer."""
    flaw: str | None
    """What the contract does not allow about it, whatever is broken."""
    retry_after: int | None = None

    @property
    def milliseconds(self):
        return (self.ended - self.started) * 1000


def flaw(answer):
    """A 200 with a URL, or problem details with a time to come back at."""
    try:
        body = answer.json()
    except ValueError:
        return f"{answer.status} without JSON"
    if answer.status == 200:
        return None if body["streamUrl"].startswith("http") and len(body) == 5 else "200 without a URL"
    if answer.header("Content-Type") != "application/problem+json" or body["status"] != answer.status:
        return f"{answer.status} without problem details"
    if answer.status == 503 and not (answer.header("Retry-After") or "").isdigit():
        return "503 without Retry-After"
    return None


class Traffic:
    """`connections` clients that ask for hits and misses in turns, in the given proportion."""

    def __init__(self, base_url, hits, misses, connections=16, misses_in_ten=3, pause=0.01):
        self._api = API(base_url)
        self._hits, self._misses = itertools.cycle(hits), iter(misses)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._samples = []
        self._pause = pause
        pattern = ["miss"] * misses_in_ten + ["hit"] * (10 - misses_in_ten)
        self._threads = [
            threading.Thread(target=self._run, args=(itertools.cycle(pattern[at % 10 :] + pattern[: at % 10]),), daemon=True)
            for at in range(connections)
        ]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        for thread in self._threads:
            thread.join(60)
            if thread.is_alive():
                raise AssertionError("a request hangs")

    def samples(self, since=0.0, until=float("inf")):
        """By when they were sent."""
        with self._lock:
            return [sample for sample in self._samples if since <= sample.started < until]

    def settled(self, since, count=60):
        """When the first of `count` answers in a row was sent that were all 200; None before that."""
        later = sorted(self.samples(since), key=lambda sample: sample.started)
        for at in range(len(later) - count + 1):
            if all(sample.status == 200 for sample in later[at : at + count]):
                return later[at].started
        return None

    def _run(self, kinds):
        with self._api.connection(timeout=40) as connection:
            while not self._stopping.is_set():
                kind = next(kinds)
                with self._lock:
                    track, token = next(self._misses if kind == "miss" else self._hits)
                started = time.monotonic()
                try:
                    answer = connection.exchange("POST", f"/tracks/{track}/stream", {"Authorization": f"Bearer {token}"})
                    after = answer.header("Retry-After")
                    sample = Sample(kind, started, time.monotonic(), answer.status, flaw(answer), int(after) if after else None)
                except (OSError, HTTPException, json.JSONDecodeError) as error:
                    sample = Sample(kind, started, time.monotonic(), None, f"no answer: {type(error).__name__}")
                with self._lock:
                    self._samples.append(sample)
                self._stopping.wait(self._pause)


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def counts(samples):
    return collections.Counter(sample.status for sample in samples)
