"""Asks for each path ten times a second, in a process of its own so that it takes no turns with the other clients.

usage: health_probe.py BASE-URL PATH...

A stream's path is asked for with an invalid token. Writes a line of JSON for each answer, until its standard input
ends.
"""

import json
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "Harness"))

from harness.wire import API

PERIOD_S = 0.1


class Stalls:
    """How long this machine leaves a thread waiting that does nothing but look at the clock: no answer is to blame for
    that."""

    TICK_S = 0.002
    USUAL_S = 0.005

    def __init__(self):
        self._seen = time.monotonic()
        self._stalls = []
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            due = self._seen + self.TICK_S
            time.sleep(self.TICK_S)
            now = time.monotonic()
            if now - due > self.USUAL_S:
                self._stalls.append((due, now))
            self._seen = now

    def within(self, began, ended):
        """Seconds."""
        while self._seen < ended:
            time.sleep(self.TICK_S)
        return sum(max(0.0, min(ended, end) - max(began, start)) for start, end in self._stalls)


def main(base_url, *paths):
    stalls, stopping = Stalls(), threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stopping.set()), daemon=True).start()
    with API(base_url).connection() as connection:
        while not stopping.wait(PERIOD_S):
            for path in paths:
                began = time.monotonic()
                if path.endswith("/stream"):
                    answer = connection.exchange("POST", path, [("Authorization", "Bearer x.y.z")])
                else:
                    answer = connection.exchange("GET", path)
                ended = time.monotonic()
                body = json.loads(answer.body) if path == "/readyz" else {}
                print(json.dumps({
                    "path": path, "at": began, "milliseconds": (ended - began - stalls.within(began, ended)) * 1000,
                    "status": answer.status, "dependencies": body.get("dependencies", {})}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
