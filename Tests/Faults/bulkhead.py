"""Ten thousand requests wait for an object store that does not answer."""

import time

from crowd import Crowd
from harness import process
from harness.waiting import wait_for
from health import HealthWatch
from load import all_answered_200, check_kept, rate

CROWD = 10_000
# What the responder lets wait for the object store; the rest is refused.
WAITING_LIMIT = 1024
# What the crowd may take: 40 KiB for each request in hand, of which there may be as many as are allowed while they are
# decided, and 2 KiB for each connection.
HAND_LIMIT = 4096
CROWD_MEMORY_KB = HAND_LIMIT * 40 + CROWD * 2
# Calls of the object store at a time.
STORE_CONNECTIONS = 64


def bulkhead(bench, report, options):
    """In turns without and with the fault, so that a noisy machine is noisy for both."""
    # The breaker would end the stall after five failures, and the requests' own time limits would after 10 s; this
    # shows what holds without them.
    bench.responder_with(
        proxied=("store",), NOVATUNE_BREAKER_FAILURES="1000", NOVATUNE_S3_TIMEOUT="14s", NOVATUNE_REQUEST_TIMEOUT="14s")
    pid, path = bench.responder, bench.stack["STREAM_SOCKET"].removeprefix("unix:")
    process.let_open_many(pid)
    stream = f"/tracks/{bench.hits[0][0]}/stream"
    watched = {"/healthz": {200}, "/readyz": {200, 503}, "/metrics": {200}, stream: {401}}
    before = None

    def ratio_of_a_round():
        nonlocal before
        with HealthWatch(bench.stack["BASE_URL"], tuple(watched)):
            usual = rate(bench.load(2))
        before = before or process.resident_kb(pid)
        with HealthWatch(bench.stack["BASE_URL"], tuple(watched)) as health:
            with Crowd(path, [next(bench.misses) for _ in range(CROWD)]) as crowd:
                bench.proxies.set("store", "stall")
                # No faster than they can be decided: what comes all together is another matter (overload). The crowd has
                # taken its refusals before hits are counted: its own work would count as the fault's.
                crowd.send(4000, answers=CROWD - WAITING_LIMIT)
                all_taken_up = lambda: bench.metric("novatune_fastcgi_requests_in_hand") == bench.metric(
                    "novatune_object_store_calls_waiting") == WAITING_LIMIT
                wait_for(all_taken_up, 10, f"{WAITING_LIMIT} requests at the object store, and none elsewhere")
                taken_up = time.monotonic()
                result = bench.load(2)
                waiting, resident = bench.metric("novatune_object_store_calls_waiting"), process.resident_kb(pid)
                released = time.monotonic()
                bench.proxies.set("store", "pass")
                answers = crowd.answers()
        # Before that, ten thousand connections were made and their requests decided, on the processors that ask here.
        health.judge(report, "store silent", since=taken_up)
        for watched_path, statuses in watched.items():
            seen = health.statuses(watched_path, since=taken_up)
            report.check(f"{watched_path} always answers {statuses}, not {seen}", seen and seen <= statuses)
            report.check(
                f"{watched_path} answers {statuses} or 503 while the requests arrive",
                health.statuses(watched_path) <= statuses | {503})
        report.check(
            f"{WAITING_LIMIT} requests wait for as long as the store is silent, not {waiting:.0f}",
            waiting == WAITING_LIMIT)
        report.check("no hit was refused", all_answered_200(result))
        report.check(f"all {CROWD:,} requests are answered, not {len(answers):,}", len(answers) == CROWD)
        report.check("each is answered 200, or 503 with Retry-After", all(answer.is_in_form for answer in answers))
        refused = [answer for answer in answers if answer.at < released]
        report.check(
            f"the excess is refused before the store answers: {len(refused):,}", len(refused) >= CROWD - WAITING_LIMIT)
        served = sum(answer.status == 200 for answer in answers)
        report.check(
            f"the waiting requests are answered once the store answers: {served:,} of {WAITING_LIMIT:,}",
            served == WAITING_LIMIT)
        report.check(
            f"memory within {CROWD_MEMORY_KB} kB of {before} kB: {resident} kB", resident <= before + CROWD_MEMORY_KB)
        report.note(
            f"hits: {usual:,.0f}/s without, {rate(result):,.0f}/s with the store silent, ratio {rate(result) / usual:.2f};"
            f" {len(refused):,} refused,"
            f" {served:,} served {max(answer.at for answer in answers) - released:.1f} s after its answer; {before} kB,"
            f" {resident} kB resident")
        return rate(result) / usual

    check_kept(report, ratio_of_a_round)
    leave(bench, report, path)


def leave(bench, report, path):
    """The clients of all that wait close their connections, while the store is still silent."""
    waiting, gone = "novatune_object_store_calls_waiting", "novatune_requests_abandoned_total"
    before = bench.metric(gone)
    with Crowd(path, [next(bench.misses) for _ in range(WAITING_LIMIT)]) as crowd:
        bench.proxies.set("store", "stall")
        crowd.send(4000)
        wait_for(lambda: bench.metric(waiting) == WAITING_LIMIT, 10, f"{WAITING_LIMIT} requests at the object store")
    wait_for(lambda: bench.metric(gone) - before == WAITING_LIMIT, 5, "the end of all their connections")
    # A wait ends in a turn of the loop after its request was counted. Nothing else ends it within 14 s, the time limit.
    wait_for(
        lambda: bench.metric(waiting) <= STORE_CONNECTIONS, 5,
        f"the end of all waits but those of {STORE_CONNECTIONS} calls that have a connection")
    left = bench.metric(waiting)
    bench.proxies.set("store", "pass")
    report.check(f"only calls that have a connection go on: {left:.0f} of {WAITING_LIMIT}", left <= STORE_CONNECTIONS)
