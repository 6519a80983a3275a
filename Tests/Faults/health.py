"""What /healthz and /readyz say while something is broken, and how long they take to say it."""

import json
import threading
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Word:
    path: str
    at: float
    milliseconds: float
    status: int
    dependencies: dict


class HealthWatch:
    """Asks ten times a second, on a connection of its own, until the block ends."""

    def __init__(self, api):
        self._api = api
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.words = []

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        self._thread.join(30)
        assert not self._thread.is_alive(), "a health check hangs"

    def _run(self):
        with self._api.connection() as connection:
            while not self._stopping.wait(0.1):
                for path in ("/healthz", "/readyz"):
                    started = time.monotonic()
                    answer = connection.exchange("GET", path)
                    milliseconds = (time.monotonic() - started) * 1000
                    body = json.loads(answer.body)
                    self.words.append(Word(path, started, milliseconds, answer.status, body.get("dependencies", {})))

    def said(self, dependency, status, since, until):
        """Whether /readyz said so of the dependency within that time."""
        return any(word.dependencies.get(dependency, {}).get("status") == status for word in self.words if since <= word.at <= until)

    def slowest(self, path):
        return max((word.milliseconds for word in self.words if word.path == path), default=float("inf"))

    def untrue(self):
        """Words that contradict themselves: /healthz is 200 always, /readyz where all that is needed is well, and 503 else."""
        return [word for word in self.words if word.status != (503 if any(
            entry["status"] != "ok" and not entry.get("optional") for entry in word.dependencies.values()) else 200)]
