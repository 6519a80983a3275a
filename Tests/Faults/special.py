"""Faults that need more than a proxy and a minute."""

import json
import os
import resource
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from bulkhead import HAND_LIMIT
from crowd import Crowd
from harness import fastcgi, process
from harness.waiting import wait_for
from health import HealthWatch
from load import all_answered_200, rate
from responders import Responders
from traffic import counts, flaws, percentile, retry_after


# Long enough for the breaker to have doubled its stay to 16 s: 1 + 2 + 4 + 8 + 16, and the tries between.
BLACKHOLE_S = 45


def blackhole(bench, report, options):
    bench.responder_with(proxied=("database",))
    stream = f"/tracks/{bench.hits[0][0]}/stream"
    report.header()
    with bench.traffic() as traffic:
        wait_for(lambda: traffic.recovered_at(0), 30, "traffic without a fault")
        began = time.monotonic()
        bench.proxies.set("database", "blackhole")
        with HealthWatch(bench.stack["BASE_URL"], ("/healthz", "/readyz", "/metrics", stream)) as health:
            time.sleep(BLACKHOLE_S)
        ended = time.monotonic()
        bench.proxies.set("database", "pass")
        well = wait_for(lambda: traffic.recovered_at(ended), 45, "recovery")
        # The probe that closed the breaker was the first 200 after the fault.
        first_good = min(sample.ended for sample in traffic.samples(ended) if sample.status == 200)
    during = traffic.samples(began, ended)
    report.row(f"database vanishes for {BLACKHOLE_S} s", during, well - ended)
    refused = [sample for sample in during if sample.status == 503]
    report.check("every answer is a 503 in form", not flaws(during) and set(counts(during)) <= {200, 503})
    report.check("503 within the deadline of 10 s", max(sample.milliseconds for sample in refused) < 10_500)
    # Open from the fifth failure on: a request that waits for the database waits for 2 s at least.
    while_open = [sample for sample in refused if sample.milliseconds < 1000]
    times, waits = [sample.milliseconds for sample in while_open], Counter(map(retry_after, while_open))
    report.note(
        f"{len(while_open)} of {len(refused)} refusals came while the breaker was open: p50"
        f" {percentile(times, 0.5):.1f} ms,"
        f" p99 {percentile(times, 0.99):.1f} ms; Retry-After {waits.most_common(3)}")
    report.check("most requests were refused without waiting", len(while_open) > 0.98 * len(refused) - 200)
    report.check("503 within 50 ms while the breaker is open", percentile(times, 0.99) < 50)
    report.check("each has a Retry-After of 1 to 30 s", all(1 <= wait <= 30 for wait in waits))
    report.check(
        f"recovered within 2 s of the first successful probe: {well - first_good:.2f} s", well - first_good < 2)
    # Health and refusals need no database.
    health.judge(report, "database vanishes")
    for path, statuses in {"/healthz": {200}, "/readyz": {200, 503}, "/metrics": {200}, stream: {401}}.items():
        report.check(
            f"{path} always answers {statuses}, not {health.statuses(path)}", health.statuses(path) == statuses)
        report.check(
            f"{path} always within 100 ms: {health.slowest(path):.0f} ms at worst", health.slowest(path) < 100)


# Requests that nginx sends a responder at a time.
AT_A_TIME = 256


def overload(bench, report, options):
    """Every query takes 200 ms, and nginx sends a responder at most 256 requests at a time; more are asked for."""
    # None is to end for the database's time limit, on however slow a machine.
    bench.responder_with(proxied=("database",), NOVATUNE_QUEUE_TIMEOUT="500ms", NOVATUNE_DATABASE_TIMEOUT="8s")
    pid = bench.responder
    log = bench.stack.state / "log" / "access.log"
    usual = rate(bench.load(3, connections=16))
    before = process.resident_kb(pid)
    bench.proxies.set("database", "delay")
    offset = log.stat().st_size
    with HealthWatch(bench.stack["BASE_URL"]) as health:
        first = bench.load(4, connections=400)
        meanwhile = process.resident_kb(pid)
        result = bench.load(4, connections=400)
    answered = first["requests"] + result["requests"]
    report.note(f"400 clients, {answered} answers in 8 s, p99 {result['p99_ms']:.0f} ms")
    bench.proxies.set("database", "pass")
    lifted = time.monotonic()
    wait_for(lambda: bench.api.stream(*bench.hits[0]).status == 200, 5)
    well = time.monotonic() - lifted

    def logged():
        with open(log) as lines:
            lines.seek(offset)
            return [json.loads(line) for line in lines.read().splitlines(keepends=True) if "/stream" in line
                and line.endswith("\n")]

    # nginx writes it once a second; the load generator has had as many answers.
    wait_for(lambda: sum(entry["status"] in (200, 503) for entry in logged()) >= answered, 10, "the access log")
    entries = logged()
    statuses = Counter(entry["status"] for entry in entries)
    accepted = [entry["seconds"] for entry in entries if entry["status"] == 200]
    refused = [entry["seconds"] for entry in entries if entry["status"] == 503]
    report.note(
        f"answers {dict(statuses)}; accepted p50 {percentile(accepted, 0.5):.2f} s, p99"
        f" {percentile(accepted, 0.99):.2f} s;"
                f" refused p50 {percentile(refused, 0.5):.3f} s, p99 {percentile(refused, 0.99):.3f} s; well after"
                f" {well:.2f} s")
    # 499: the end of the load generator.
    report.check(f"only 200 or 503: {dict(statuses)}", set(statuses) <= {200, 503, 499})
    report.check("some are answered and the excess is refused", statuses[200] > 100 and statuses[503] > 100)
    report.check(
        "an accepted request waits no longer than the queue's 500 ms and its own time", percentile(accepted, 0.99) < 2)
    report.check("the excess is refused quickly", percentile(refused, 0.5) < 1)
    report.check("recovered within a second", well < 1)
    health.judge(report, "overload")
    after = process.resident_kb(pid)
    report.check(f"memory within {AT_A_TIME * 40} kB of {before} kB: {after} kB", after <= before + AT_A_TIME * 40)
    report.check(f"memory does not grow during the overload: {meanwhile} kB, {after} kB", after < meanwhile * 1.1)
    # The best of some: other work of the machine must not count against the responder.
    again = 0
    for _ in range(3):
        again = max(again, rate(bench.load(3, connections=16)))
        if again > 0.7 * usual:
            break
    report.note(f"before {usual:,.0f}/s, afterwards {again:,.0f}/s")
    report.check("as fast as before", again > 0.7 * usual)
    too_many_in_hand(bench, report)


def too_many_in_hand(bench, report):
    """Without nginx's limit, while the database is silent: the responder has its own."""
    pid = bench.responder
    process.let_open_many(pid)
    before = process.resident_kb(pid)
    count, refused = HAND_LIMIT + 2000, bench.metric("novatune_requests_refused_total")
    with Crowd(bench.stack["STREAM_SOCKET"].removeprefix("unix:"),
        (bench.hits * (count // len(bench.hits) + 1))[:count]) as crowd:
        bench.proxies.set("database", "stall")
        crowd.send()
        wait_for(lambda: bench.metric("novatune_requests_refused_total") - refused == count
            - HAND_LIMIT, 8, "the refusal of the excess")
        in_hand, resident = bench.metric("novatune_fastcgi_requests_in_hand"), process.resident_kb(pid)
        bench.proxies.set("database", "pass")
        answers = crowd.answers()
    report.check(f"{HAND_LIMIT:,} requests in hand, not {in_hand:,.0f}", in_hand == HAND_LIMIT)
    seen = Counter(answer.status for answer in answers)
    report.check(f"all {count:,} are answered, each 200, or 503 with Retry-After: {dict(seen)}",
                 len(answers) == count and all(answer.is_in_form for answer in answers))
    report.check(f"requests in hand are answered once the database answers: {seen[200]:,}", seen[200] == HAND_LIMIT)
    limit = HAND_LIMIT * 40 + count * 2
    report.check(f"memory within {limit} kB of {before} kB: {resident} kB", resident <= before + limit)
    report.note(f"{count:,} requests at a time: {dict(seen)}; {before} kB, {resident} kB resident")


def restarts(bench, report, options):
    report.header()
    with Responders(bench, 2) as responders:
        with bench.traffic(connections=32, pause=0.02) as traffic:
            wait_for(lambda: traffic.recovered_at(0), 30, "traffic")
            began = time.monotonic()
            for number in (0, 1, 0, 1):
                responders.restart(number)
                settled_at = time.monotonic()
                wait_for(lambda: traffic.recovered_at(settled_at), 20, "traffic after a restart")
            ended = time.monotonic()
        samples = traffic.samples(began, ended)
        report.row("rolling restart of two", samples, 0.0)
        report.check(f"no request failed: {dict(counts(samples))}", set(counts(samples)) == {200})

        with bench.traffic(connections=32, pause=0.0) as traffic, HealthWatch(bench.stack["BASE_URL"]) as health:
            wait_for(lambda: traffic.recovered_at(0), 30, "traffic")
            began = time.monotonic()
            responders.kill(0)
            time.sleep(2)
            ended = time.monotonic()
            responders.start(0)
            wait_for(lambda: traffic.recovered_at(ended), 20, "traffic after the kill")
        samples = traffic.samples(began, ended)
        report.row("kill -9 one of two", samples, 0.0)
        lost = sum(count for status, count in counts(samples).items() if status != 200)
        report.check(
            f"nginx passed the requests in hand to the other responder: {lost} lost", lost == 0)
        health.judge(report, "kill -9 one of two")

    with Responders(bench, 1, held=True) as responders:
        with bench.traffic(connections=32, pause=0.02) as traffic:
            wait_for(lambda: traffic.recovered_at(0), 30, "traffic")
            began = time.monotonic()
            for _ in range(3):
                responders.restart(0)
                settled_at = time.monotonic()
                wait_for(lambda: traffic.recovered_at(settled_at), 20, "traffic after a restart")
            ended = time.monotonic()
        samples = traffic.samples(began, ended)
        report.row("restart behind a held socket", samples, 0.0)
        report.check(f"no request failed: {dict(counts(samples))}", set(counts(samples)) == {200})


def descriptors(bench, report, options):
    """None left: what needs a new one fails, the rest goes on, and all is well once there are some again."""
    bench.responder_with(proxied=())
    pid, path = bench.responder, bench.stack["STREAM_SOCKET"].removeprefix("unix:")
    usual = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    report.header()
    with bench.traffic() as traffic, HealthWatch(bench.stack["BASE_URL"]) as health:
        wait_for(lambda: traffic.recovered_at(0), 30, "traffic")
        began = time.monotonic()
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (process.descriptors(pid), usual[1]))
        held = [fastcgi.connect(path) for _ in range(40)]
        time.sleep(options.seconds)
        ended = time.monotonic()
        resource.prlimit(pid, resource.RLIMIT_NOFILE, usual)
        for connection in held:
            connection.close()
        well = wait_for(lambda: traffic.recovered_at(ended), 30, "recovery")
    samples = traffic.samples(began)
    report.row("no descriptors left", traffic.samples(began, ended), well - ended)
    health.judge(report, "no descriptors left")
    found = flaws(samples)
    report.check(
        f"only 200 or 503: {found}, {dict(counts(samples))}", not found and set(counts(samples)) <= {200, 503})
    report.check("the responder never ended", bench.stack.responder_is_running() and bench.responder == pid)


def turns(bench, report, options):
    """A loop that stands still is reported, and continues afterwards."""
    bench.responder_with(proxied=())
    pid = bench.responder
    before = bench.metric("novatune_event_loop_slow_turns_total")
    stops, counted = 0, 0
    with ThreadPoolExecutor(1) as pool:
        # Busy, so that most stops come in the middle of a turn: between two turns none is late.
        load = pool.submit(bench.load, 5)
        while counted == 0 and not load.done():
            time.sleep(0.1)
            os.kill(pid, signal.SIGSTOP)
            time.sleep(0.2)
            os.kill(pid, signal.SIGCONT)
            stops += 1
            counted = bench.metric("novatune_event_loop_slow_turns_total") - before
        result = load.result()
    report.note(f"{stops} stops of 200 ms: {counted:.0f} turns were too long; {result['requests']} answers")
    report.check("turns that are too long are counted", counted > 0)
    logged = lambda: '"event":"event loop turn too long"' in bench.stack.log()
    report.check("turns that are too long are logged", wait_for(logged, 5))
    report.check("no request failed", all_answered_200(result))


def memory(bench, report, options):
    bench.responder_with(proxied=())
    pid, done, early = bench.responder, 0, None
    while done < 1_000_000:
        result = bench.load(10)
        report.check("every answer is 200", all_answered_200(result))
        done += result["requests"]
        if early is None and done >= 100_000:
            early = process.resident_kb(pid)
            report.note(f"{done:,} requests: {early} kB resident")
    last = process.resident_kb(pid)
    report.note(
        f"{done:,} requests: {last} kB resident, {process.threads(pid)} threads, {process.descriptors(pid)}"
        f" descriptors")
    report.check(f"resident memory within 5 %: {early} kB, {last} kB", last <= early * 1.05)
