"""Ten thousand requests wait for an object store that says nothing."""

import statistics
import time

import process
from crowd import Crowd
from health import HealthWatch
from load import rate, wrk
from support.waiting import wait_for

CROWD = 10_000
# What the responder lets wait for the object store; the rest is refused.
WAITING_LIMIT = 1024
# What the crowd may take: 40 KiB for each request in hand, of which there may be as many as are allowed while they are decided, and 2 KiB
# for each connection.
HAND_LIMIT = 4096
CROWD_MEMORY_KB = HAND_LIMIT * 40 + CROWD * 2
ROUNDS = 5


def bulkhead(bench, report, options):
    """In turns without and with the fault, so that a noisy machine is noisy for both."""
    # The breaker would end the stall after five failures, and the requests' own time limits would after 10 s; this shows what holds
    # without them.
    bench.responder_with(
        proxied=("store",), NOVATUNE_BREAKER_FAILURES="1000", NOVATUNE_S3_TIMEOUT="14s", NOVATUNE_REQUEST_TIMEOUT="14s")
    pid, path = bench.responder, bench.stack["STREAM_SOCKET"].removeprefix("unix:")
    process.let_open_many(pid)
    stream = f"/tracks/{bench.hits[0][0]}/stream"
    watched = {"/healthz": {200}, "/readyz": {200, 503}, "/metrics": {200}, stream: {401}}
    ratios, before = [], None
    for _ in range(ROUNDS):
        with HealthWatch(bench.stack["BASE_URL"], tuple(watched)):
            usual = rate(wrk(bench, 2))
        before = before or process.resident_kb(pid)
        with HealthWatch(bench.stack["BASE_URL"], tuple(watched)) as health:
            with Crowd(path, [next(bench.misses) for _ in range(CROWD)]) as crowd:
                bench.proxies.set("store", "stall")
                # No faster than they can be decided: what comes all together is another matter (overload).
                crowd.send(4000)
                all_taken_up = lambda: bench.metric("fastcgi_requests_in_hand") == bench.metric("object_store_calls_waiting") == WAITING_LIMIT
                wait_for(all_taken_up, 10, f"{WAITING_LIMIT} requests at the object store, and none elsewhere")
                taken_up = time.monotonic()
                result = wrk(bench, 2)
                waiting, resident = bench.metric("object_store_calls_waiting"), process.resident_kb(pid)
                released = time.monotonic()
                bench.proxies.set("store", "pass")
                answers = crowd.answers()
        # Before that, ten thousand connections were made and their requests decided, on the processors that ask here.
        health.judge(report, "store silent", since=taken_up)
        for watched_path, statuses in watched.items():
            seen = health.statuses(watched_path, since=taken_up)
            report.check(f"{watched_path} answers {statuses} all the time, not {seen}", seen and seen <= statuses)
            report.check(f"{watched_path} is answered as they come", health.statuses(watched_path) <= statuses | {503})
        report.check(f"{WAITING_LIMIT} wait for as long as the store is silent, not {waiting:.0f}", waiting == WAITING_LIMIT)
        report.check("no hit was refused", result["bad_status"] == 0 and result["socket_errors"] == 0)
        report.check(f"all {CROWD:,} end, not {len(answers):,}", len(answers) == CROWD)
        report.check("each is answered 200, or 503 with Retry-After", all(answer.is_in_form for answer in answers))
        refused = [answer for answer in answers if answer.at < released]
        report.check(f"the excess is refused before the store answers: {len(refused):,}", len(refused) >= CROWD - WAITING_LIMIT)
        served = sum(answer.status == 200 for answer in answers)
        report.check(f"those that waited are served when it does: {served:,} of {WAITING_LIMIT:,}", served == WAITING_LIMIT)
        report.check(f"memory within {CROWD_MEMORY_KB} kB of {before} kB: {resident} kB", resident <= before + CROWD_MEMORY_KB)
        ratios.append(rate(result) / usual)
        report.note(
            f"hits: {usual:,.0f}/s without, {rate(result):,.0f}/s with the store silent, ratio {ratios[-1]:.2f}; {len(refused):,} refused,"
            f" {served:,} served {max(answer.at for answer in answers) - released:.1f} s after it spoke; {before} kB, {resident} kB resident")
    report.check(f"hits keep 90 % of their throughput: median ratio {statistics.median(ratios):.2f}", statistics.median(ratios) >= 0.9)
