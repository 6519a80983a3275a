"""A dependency that is away for a moment."""

import time

from harness.waiting import wait_for
from health import HealthWatch
from matrix import COMPONENTS, NAMES, may_answer, proxied
from traffic import counts, flaws

AWAY_S = (0.1, 0.6, 2.0)
# How long after it is back a request may still be refused.
GRACE_S = 1.0


def blips(bench, report, options):
    """A second after a dependency is back, all is as it was: with the default breaker, and after the shortest and the
    longest blip."""
    bench.responder_with()
    report.header()
    for dependency in COMPONENTS:
        for seconds in AWAY_S:
            one_blip(bench, report, dependency, seconds)


def one_blip(bench, report, dependency, seconds):
    name = f"{dependency} away {seconds} s"
    with bench.traffic() as traffic, HealthWatch(bench.stack["BASE_URL"]) as health:
        wait_for(lambda: traffic.recovered_at(0), 30, "traffic without a fault")
        began = time.monotonic()
        with proxied(bench, dependency, "refuse"):
            time.sleep(seconds)
        back = time.monotonic()
        time.sleep(GRACE_S + 1.5)
        ended = time.monotonic()
        breakers = bench.metric("novatune_breaker_state")
    samples = traffic.samples(began, ended)
    refused = [sample.started - back for sample in samples if sample.status != 200]
    report.row(name, samples, max([0.0, *refused]))
    late = [after for after in refused if after > GRACE_S]
    report.check(
        f"{name}: no request refused later than {GRACE_S} s after the recovery: {len(late)}, the last after"
        f" {max(late, default=0):.2f} s", not late)
    report.check(f"{name}: some requests began after that", any(sample.started > back + GRACE_S for sample in samples))
    found = flaws(samples)
    forbidden = counts([sample for sample in samples if not may_answer(dependency, sample)])
    report.check(f"{name}: only allowed answers: {found} {dict(forbidden)}", not found and not forbidden)
    report.check(f"{name}: all breakers are closed", breakers == 0)
    report.check(f"{name}: /readyz reports ok", health.said(NAMES[dependency], "ok", back + GRACE_S, ended + 1))
    health.judge(report, name)
