"""Each dependency x each fault."""

import contextlib
import os
import signal
import time

from harness import process
from harness.waiting import wait_for
from health import HealthWatch
from traffic import counts, flaw, flaws

FAULTS = ["delay", "stall", "trickle", "reset", "blackhole", "refuse"]
COMPONENTS = {"database": "postgres", "cache": "redis", "store": "s3"}
# As /readyz calls them.
NAMES = {"database": "database", "cache": "cache", "store": "object_store"}
# Slower, and well: a probe that waits a moment and is answered.
ANSWERED = {"delay", "trickle", "restart"}
BREAKER_OPEN_S, RECOVERY_S = 2, 7


@contextlib.contextmanager
def proxied(bench, dependency, mode):
    bench.proxies.set(dependency, mode)
    try:
        yield
    finally:
        bench.proxies.set(dependency, "pass")


@contextlib.contextmanager
def killed(bench, dependency):
    """With SIGKILL, and started again at the end."""
    component = COMPONENTS[dependency]
    os.kill(int(bench.stack[f"PID_{component.upper()}"]), signal.SIGKILL)
    try:
        yield
    finally:
        bench.stack.stop(component)
        bench.stack.start(component)


@contextlib.contextmanager
def restarted(bench, dependency):
    component = COMPONENTS[dependency]
    bench.stack.stop(component)
    bench.stack.start(component)
    yield


def may_answer(dependency, sample):
    """What the contract allows: a cache costs no answer, an object store only those that need it."""
    if sample.status == 200:
        return True
    if sample.status != 503:
        return False
    return dependency == "database" or dependency == "store" and sample.tag == "miss"


def run_matrix(bench, report, options):
    bench.responder_with(NOVATUNE_BREAKER_OPEN=f"{BREAKER_OPEN_S}s")
    report.header()
    # All but the cache is as with Redis.
    dependencies = ["cache"] if options.garnet else list(COMPONENTS)
    cases = [(dependency, mode, proxied) for dependency in dependencies for mode in FAULTS]
    cases += [
        (dependency, name, fault) for dependency in dependencies
        for name, fault in {
            "SIGSTOP": lambda b, d, _: b.stack.frozen(COMPONENTS[d]), "SIGKILL": lambda b, d, _: killed(b, d),
                            "restart": lambda b, d, _: restarted(b, d)}.items()
    ]
    pid = bench.responder
    # What it holds when it has met a fault of each kind.
    first, kinds = None, len(FAULTS) * (dependencies.index("cache") + 1)
    for dependency, mode, fault in cases:
        one_case(bench, report, options, dependency, mode, fault)
        if dependency == "cache" and mode == "refuse" and first is None:
            first = process.resident_kb(pid)
    report.check("the responder never ended", bench.stack.responder_is_running() and bench.responder == pid)
    last = process.resident_kb(pid)
    report.note(f"resident after {kinds} faults {first} kB, at the end {last} kB")
    report.check("resident memory grew by less than 15 %", last < first * 1.15)


def one_case(bench, report, options, dependency, mode, fault):
    name, pid = f"{dependency} {mode}", bench.responder
    bench.warm()
    with bench.traffic() as traffic, HealthWatch(bench.stack["BASE_URL"]) as health:
        wait_for(lambda: traffic.recovered_at(0), 30, "traffic without a fault")
        before = process.threads(pid), bench.descriptors()
        began = time.monotonic()
        with fault(bench, dependency, mode):
            time.sleep(options.seconds if mode != "restart" else 0)
        ended = time.monotonic()
        try:
            well = wait_for(lambda: traffic.recovered_at(ended), 45, "recovery")
        except AssertionError:
            well = None
        tells_it_is_well = lambda: health.said(NAMES[dependency], "ok", time.monotonic() - 0.5, time.monotonic())
        try:
            wait_for(tells_it_is_well, 15)
        except AssertionError:
            report.check(f"{name}: /readyz reports the recovery", False)
    if mode not in ANSWERED:
        report.check(f"{name}: /readyz reports the failure", health.said(NAMES[dependency], "failed", began, ended))
    health.judge(report, name)
    samples = traffic.samples(began)
    report.row(name, traffic.samples(began, ended), None if well is None else well - ended)
    report.check(f"{name}: requests are answered again", well is not None)
    # The first probe that is answered lets requests try; a try that began before the end may take the store's 5 s.
    report.check(f"{name}: recovered within {RECOVERY_S} s", well is not None and well - ended < RECOVERY_S)
    for found in sorted(flaws(samples)):
        report.check(f"{name}: {found}", False)
    forbidden = counts([sample for sample in samples if not flaw(sample) and not may_answer(dependency, sample)])
    report.check(f"{name}: only allowed answers, not {dict(forbidden)}", not forbidden)
    deadline = [sample for sample in samples if sample.milliseconds > 12_000]
    report.check(f"{name}: every answer within the deadline of 10 s", not deadline)
    for path in HealthWatch.HEALTH:
        report.check(f"{name}: {path} is 200 again", wait_status(bench, path, 200))
    settled = lambda: process.threads(pid) == before[0] and bench.descriptors() <= before[1] + 4
    try:
        wait_for(settled, 10)
    except AssertionError:
        report.check(
            f"{name}: threads {before[0]} and descriptors {before[1]:.0f} do not grow, not to {process.threads(pid)}"
            f" and {bench.descriptors():.0f}", False)


def wait_status(bench, path, status):
    try:
        return wait_for(lambda: bench.api.request("GET", path).status == status, 15)
    except AssertionError:
        return False
