"""Access that is taken away while something is broken: the first request after the commit has no URL."""

import contextlib
import threading
from dataclasses import dataclass
from http.client import HTTPException

import psycopg

# By the statement that takes the access: what the listener is answered then.
CHANGES = {
    "suspended": ("update novatune.users set status = 'Suspended' where user_id = '{user}'", 403),
    "deleted": ("update novatune.tracks set status = 'Deleted' where track_id = '{id}'", 409),
    "grant revoked": (
        "delete from novatune.track_grants where track_id = '{id}' and grantee_id = '{user}'", 403),
}
PAUSE_S, VICTIMS = 0.2, 30


@dataclass(frozen=True)
class Revocation:
    kind: str
    # Of the first request after the commit, or the error.
    status: object

    @property
    def is_stale(self):
        return self.status == 200

    @property
    def is_right(self):
        return self.status == CHANGES[self.kind][1]


class Revocations:
    """From the block's beginning to its end, one after the other. A listener gets a URL first, so that it is cached."""

    def __init__(self, api, people, databases):
        self._api, self._people, self._databases = api, people, databases
        self.seen = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        self._thread.join(60)

    def _run(self):
        while not self._stopping.is_set():
            # While no server takes changes there is nothing to revoke. Whether one took the last is then unknown.
            with contextlib.suppress(psycopg.Error), self._databases.connect() as connection:
                self._revoke_with(connection)
            self._stopping.wait(PAUSE_S)

    def _revoke_with(self, connection):
        victims = self._people.victims(connection, VICTIMS)
        for at, track in enumerate(victims):
            kind = list(CHANGES)[at % len(CHANGES)]
            if kind == "grant revoked":
                track = self._people.grantee(connection, track)
            if self._ask(track) == 200:
                connection.execute(CHANGES[kind][0].format(id=track.id, user=track.user))
                self.seen.append(Revocation(kind, self._ask(track)))
            if self._stopping.wait(PAUSE_S):
                return

    def _ask(self, track):
        try:
            return self._api.stream(track.id, track.token).status
        except (OSError, HTTPException) as failure:
            return repr(failure)
