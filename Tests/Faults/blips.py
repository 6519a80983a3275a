"""A dependency that is away for a moment, and a table that is locked for a while."""

import contextlib
import subprocess
import threading
import time

from health import HealthWatch
from matrix import COMPONENTS, NAMES, may_answer, proxied
from support.waiting import wait_for
from traffic import counts

AWAY_S = (0.1, 0.6, 2.0)
# How long after it is back a request may still be refused.
GRACE_S = 1.0
LOCKED_S = 20


def blips(bench, report, options):
    """A second after a dependency is back, all is as it was: with the default breaker, and after the shortest and the longest blip."""
    bench.responder_with()
    report.header()
    for dependency in COMPONENTS:
        for seconds in AWAY_S:
            one_blip(bench, report, dependency, seconds)


def one_blip(bench, report, dependency, seconds):
    name = f"{dependency} away {seconds} s"
    with bench.traffic() as traffic, HealthWatch(bench.stack["BASE_URL"]) as health:
        wait_for(lambda: traffic.settled(0), 30, "traffic without a fault")
        began = time.monotonic()
        with proxied(bench, dependency, "refuse"):
            time.sleep(seconds)
        back = time.monotonic()
        time.sleep(GRACE_S + 1.5)
        ended = time.monotonic()
        breakers = bench.metric("breaker_state")
    samples = traffic.samples(began, ended)
    refused = [sample.started - back for sample in samples if sample.status != 200]
    report.row(name, samples, max([0.0, *refused]))
    late = [after for after in refused if after > GRACE_S]
    report.check(f"{name}: none refused later than {GRACE_S} s after it is back: {len(late)}, the last after {max(late, default=0):.2f} s", not late)
    report.check(f"{name}: some were asked after that", any(sample.started > back + GRACE_S for sample in samples))
    flaws = {sample.flaw for sample in samples if sample.flaw}
    forbidden = counts([sample for sample in samples if not may_answer(dependency, sample)])
    report.check(f"{name}: only answers that are allowed: {flaws} {dict(forbidden)}", not flaws and not forbidden)
    report.check(f"{name}: all breakers are closed", breakers == 0)
    report.check(f"{name}: /readyz says the same", health.said(NAMES[dependency], "ok", back + GRACE_S, ended + 1))
    health.judge(report, name)


class Backends:
    """How many of PostgreSQL's processes serve the responder, counted four times a second until the block ends."""

    QUERY = "select count(*) from pg_stat_activity where usename = 'novatune_responder'"

    def __init__(self, stack):
        self._stack, self._stopping = stack, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.counts = []

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        self._thread.join(10)

    def now(self):
        return int(self._stack.sql(self.QUERY)[0][0])

    def _run(self):
        while not self._stopping.wait(0.25):
            self.counts.append(self.now())


@contextlib.contextmanager
def table_locked(stack):
    """By a transaction that has forgotten to end."""
    with subprocess.Popen(["psql", "-X", "-q", stack["DATABASE_URL"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as session:
        session.stdin.write("begin; lock table novatune.tracks in access exclusive mode;\n\\echo locked\n")
        session.stdin.flush()
        assert session.stdout.readline() == "locked\n"
        try:
            yield
        finally:
            session.stdin.close()


def locked(bench, report, options):
    """Each query waits for a lock; each that is given up leaves its backend free for the next."""
    bench.responder_with(proxied=())
    backends = Backends(bench.stack)
    report.header()
    with bench.traffic() as traffic, HealthWatch(bench.stack["BASE_URL"]) as health:
        wait_for(lambda: traffic.settled(0), 30, "traffic without a fault")
        before = backends.now()
        began = time.monotonic()
        with table_locked(bench.stack), backends:
            time.sleep(LOCKED_S)
        ended = time.monotonic()
        well = wait_for(lambda: traffic.settled(ended), 30, "recovery")
    samples = traffic.samples(began, ended)
    report.row(f"table locked for {LOCKED_S} s", samples, well - ended)
    report.note(f"backends: {before} before, {min(backends.counts)} to {max(backends.counts)} while locked")
    # One that is being cancelled, and the next one, of requests and of the health probe.
    report.check(f"never more than {before + 2} backends: {max(backends.counts)}", max(backends.counts) <= before + 2)
    half = len(backends.counts) // 2
    report.check("as many in the second half of that time as in the first", max(backends.counts[half:]) <= max(backends.counts[:half]))
    with contextlib.suppress(AssertionError):
        wait_for(lambda: backends.now() == before, 5)
    report.check(f"{before} backends again, not {backends.now()}", backends.now() == before)
    flaws = {sample.flaw for sample in samples if sample.flaw}
    report.check(f"200 or 503 alone: {flaws}, {dict(counts(samples))}", not flaws and set(counts(samples)) <= {200, 503})
    report.check(f"well within {GRACE_S + 2} s: {well - ended:.2f} s", well - ended < GRACE_S + 2)
    health.judge(report, "table locked")
