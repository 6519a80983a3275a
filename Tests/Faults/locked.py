"""A table that is locked for two minutes: each query that is given up leaves its backend free for the next."""

import contextlib
import subprocess
import threading
import time

from beside import responder_beside
from blips import GRACE_S
from harness.waiting import wait_for
from health import HealthWatch
from traffic import counts, flaws

LOCKED_S = 120
DATABASE = "novatune_locked"


def session(stack):
    """psql, which reads commands and prints values."""
    return subprocess.Popen(["psql", "-X", "-q", "-A", "-t", stack["DATABASE_URL"]], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True)


def ask(psql, command):
    """The first line of what it prints."""
    psql.stdin.write(command + "\n")
    psql.stdin.flush()
    return psql.stdout.readline().rstrip("\n")


class Backends:
    """How many of PostgreSQL's processes serve the responder, counted ten times a second from `start` until the block
    ends."""

    QUERY = f"select count(*) from pg_stat_activity where usename = 'novatune_responder' and datname = '{DATABASE}';"

    def __init__(self, stack):
        self._stack, self._stopping, self._lock = stack, threading.Event(), threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.counts = []

    def __enter__(self):
        self._psql = session(self._stack)
        return self

    def __exit__(self, *_):
        self.stop()
        self._psql.communicate()

    def start(self):
        self._thread.start()

    def stop(self):
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(10)

    def now(self):
        with self._lock:
            return int(ask(self._psql, self.QUERY))

    def _run(self):
        while not self._stopping.wait(0.1):
            self.counts.append(self.now())


@contextlib.contextmanager
def table_locked(stack):
    """By a transaction that has forgotten to end."""
    with session(stack) as psql:
        assert ask(psql,
            f"\\c {DATABASE}\nbegin; lock table novatune.tracks in access exclusive mode;\n\\echo locked") == "locked"
        try:
            yield
        finally:
            psql.stdin.close()


class LockedTable:
    """The lock needs two minutes and hardly a processor, so other parts run meanwhile. They do not meet it: it is in a
    copy of the database, and a responder and an nginx of its own ask there. What it shares with them are PostgreSQL and
    the object store, so no part may break those themselves until `end`."""

    def __init__(self):
        self._contexts = contextlib.ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._contexts.close()

    def begin(self, bench, report, options):
        stack, enter = bench.stack, self._contexts.enter_context
        # A database can be copied while no session uses it. The copy has none of the limits that the role has in the
        # original (sql/deploy/responder_limits.sql): what shows here is the responder's own doing.
        with stack.stopped("responder"):
            stack.sql(f"create database {DATABASE} template novatune")
        url = stack["RESPONDER_DATABASE_URL"].replace("/novatune?", f"/{DATABASE}?")
        self._responder, self._base_url = enter(
            responder_beside(bench, "locked", NOVATUNE_DATABASE_URL=url, NOVATUNE_CACHE_URL="memory:"))
        self._backends = enter(Backends(stack))
        self._traffic = enter(bench.traffic(self._base_url, misses_in_ten=0, connections=4, pause=0.1))
        self._health = enter(HealthWatch(self._base_url))
        wait_for(lambda: self._traffic.recovered_at(0), 30, "traffic without a fault")
        self._before = self._backends.now()
        self._lock = enter(contextlib.ExitStack())
        self._lock.enter_context(table_locked(stack))
        self._began = time.monotonic()
        self._backends.start()
        report.note(f"locked from here on; {self._before} backends")

    def end(self, bench, report, options):
        traffic, backends, before = self._traffic, self._backends, self._before
        time.sleep(max(0, self._began + LOCKED_S - time.monotonic()))
        backends.stop()
        self._lock.close()
        ended = time.monotonic()
        well = wait_for(lambda: traffic.recovered_at(ended), 30, "recovery")
        with contextlib.suppress(AssertionError):
            wait_for(lambda: backends.now() == before, 5)
        after = backends.now()
        self._contexts.close()
        report.header()
        samples = traffic.samples(self._began, ended)
        report.row(f"table locked for {ended - self._began:.0f} s", samples, well - ended)
        # One listens; each of the others (of the loops and of the health probe) asks, and may have a predecessor that
        # is being cancelled.
        bound = before + before - 1
        report.note(
            f"backends: {before} before, {min(backends.counts)} to {max(backends.counts)} while locked"
            f" ({len(backends.counts)} counts),"
            f" {after} after")
        report.check(f"never more than {bound} backends: {max(backends.counts)}", max(backends.counts) <= bound)
        quarter = len(backends.counts) // 4
        first, last = sum(backends.counts[:quarter]) / quarter, sum(backends.counts[-quarter:]) / quarter
        report.check(f"no more in the last quarter of that time than in the first: {first:.2f}, {last:.2f} on average",
            last < first + 0.5)
        report.check(f"{before} backends again, not {after}", after == before)
        found = flaws(samples)
        report.check(
            f"only 200 or 503: {found}, {dict(counts(samples))}", not found and set(counts(samples)) <= {200, 503})
        report.check("queries waited for the lock to the end", any(
            sample.status == 503 and sample.milliseconds > 1000 for sample in traffic.samples(ended - 45, ended)))
        report.check(f"recovered within {GRACE_S + 2} s: {well - ended:.2f} s", well - ended < GRACE_S + 2)
        self._health.judge(report, "table locked")
