"""One kept connection to the database: a commit takes as long as the database needs, not as long as psql takes to
start."""

import time

import psycopg

from support.invalidations import CHANNEL


class Database:
    """Each call is a transaction of its own."""

    def __init__(self, url):
        self._connection = psycopg.connect(url, autocommit=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._connection.close()

    def __call__(self, text, *parameters):
        """Rows as tuples."""
        cursor = self._connection.execute(text, parameters or None)
        return cursor.fetchall() if cursor.description else []

    def notify(self, payload):
        self("select pg_notify(%s, %s)", CHANNEL, payload)

    def listen(self):
        self(f"listen {CHANNEL}")

    def received(self, last, seconds=10):
        """Payloads up to and with the one that is `last`."""
        payloads = []
        deadline = time.monotonic() + seconds
        while not payloads or payloads[-1] != last:
            left = deadline - time.monotonic()
            assert left > 0, f"{last} was not received within {seconds} s"
            payloads += [notification.payload for notification in self._connection.notifies(timeout=left, stop_after=1)]
        return payloads
