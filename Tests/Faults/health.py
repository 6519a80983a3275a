"""What /healthz and /readyz say while something is broken, and how long they take to say it."""

import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Word:
    path: str
    at: float
    """By `time.monotonic`, which is the same for all processes."""
    milliseconds: float
    """Without what the machine itself stood still for."""
    status: int
    dependencies: dict


class HealthWatch:
    """Asks ten times a second, on a connection of its own, until the block ends."""

    HEALTH = ("/healthz", "/readyz")

    def __init__(self, base_url, paths=HEALTH):
        self._arguments = [base_url, *paths]
        self.words = []

    def __enter__(self):
        self._probe = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("health_probe.py"), *self._arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_):
        self._probe.stdin.close()
        try:
            assert self._probe.wait(30) == 0, "a health check failed"
            self._reader.join(10)
        except subprocess.TimeoutExpired:
            self._probe.kill()
            raise AssertionError("a health check hangs")

    def _read(self):
        for line in self._probe.stdout:
            self.words.append(Word(**json.loads(line)))

    def said(self, dependency, status, since, until):
        """Whether /readyz said so of the dependency within that time."""
        return any(word.dependencies.get(dependency, {}).get("status") == status for word in self.words
            if since <= word.at <= until)

    def slowest(self, path, since=0.0):
        return max(
            (word.milliseconds for word in self.words if word.path == path and word.at >= since), default=float("inf"))

    def judge(self, report, name, since=0.0):
        """What holds in every fault; for how long it takes, from a moment on."""
        report.check(
            f"{name}: each status of /healthz and /readyz fits its body", self.words and not self.untrue())
        for path in self.HEALTH:
            slowest = self.slowest(path, since)
            report.check(f"{name}: {path} within 100 ms: {slowest:.0f} ms at worst", slowest < 100)

    def statuses(self, path, since=0.0):
        return {word.status for word in self.words if word.path == path and word.at >= since}

    def untrue(self):
        """Words that contradict themselves: /healthz is 200 always, /readyz where all that is needed is well, and 503
        else."""
        return [word for word in self.words if word.path in self.HEALTH and word.status != (503 if any(
            entry["status"] != "ok" and not entry.get("optional") for entry in word.dependencies.values()) else 200)]
