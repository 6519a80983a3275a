"""How responders receive invalidations, and how a test prevents it."""

import contextlib
import threading

from harness.metrics import metrics
from harness.ulids import ulid
from harness.waiting import wait_for

CHANNEL = "novatune_invalidation"
REASONS = ("deletion", "logout", "status_change")
# Of the connection that a responder listens on; a second responder has one more.
LISTENER = "novatune-streamd invalidation"


def counted(metrics):
    """Invalidations that a responder has received, by reason."""
    return {reason: int(metrics[f'stream_cache_invalidations_total{{reason="{reason}"}}']) for reason in REASONS}


class ReceivedInvalidations:
    """The invalidations that the stack's responder receives, without exception: they arrive in order, and the test
    sends one of its own after them."""

    def __init__(self, api, database, redis):
        self._api = api
        self._database = database
        self._redis = redis

    def received(self, act):
        """Runs `act`; returns how many invalidations it caused, by reason."""
        before = self._counts()
        act()
        after = self._counts()
        return {reason: after[reason] - before[reason] - (reason in ("deletion", "logout")) for reason in REASONS}

    def settle(self, reason="deletion"):
        """Waits until all that was committed so far has been received and handled."""
        user, track = ulid(), ulid()
        key = f"stream:{user}:{track}"
        self._redis("SET", key, "x", "PX", 60_000)
        self._database.notify(f"{user} {track} {reason}")
        wait_for(lambda: not self._redis("EXISTS", key), what="the end of the test's own invalidation")

    def _counts(self):
        """An invalidation is counted after it is done, so that the test's own may still be missing: its reason is counted
        once another has come."""
        self.settle("deletion")
        first = counted(metrics(self._api))
        self.settle("logout")
        return first | {"deletion": counted(metrics(self._api))["deletion"]}


def cut(database):
    """Ends the connections that responders listen on; how many there were."""
    return len(database("select pg_terminate_backend(pid) from pg_stat_activity where application_name = %s", LISTENER))


class Cutting:
    """Ends the subscriber's connection repeatedly, as soon as it is made, on a connection of its own."""

    def __init__(self, database):
        self._database = database
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.cuts = 0

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        self._thread.join(10)
        assert not self._thread.is_alive()

    def _run(self):
        while not self._stopping.wait(0.02):
            self.cuts += cut(self._database)


@contextlib.contextmanager
def muted(database):
    """No change notifies a responder: the triggers that notify are disabled, found by what they call."""
    triggers = database(
        "select t.tgrelid::regclass::text, quote_ident(t.tgname) from pg_trigger t join pg_proc p on p.oid = t.tgfoid"
        " where position('novatune.invalidate(' in p.prosrc) > 0 order by 1, 2")
    assert len(triggers) == 3, triggers
    try:
        for table, trigger in triggers:
            database(f"alter table {table} disable trigger {trigger}")
        yield
    finally:
        for table, trigger in triggers:
            database(f"alter table {table} enable trigger {trigger}")
