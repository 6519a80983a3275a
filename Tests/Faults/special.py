"""Faults that need more than a proxy and a minute."""

import contextlib
import json
import os
import resource
import statistics
import struct
import subprocess
import threading
import time
from collections import Counter

import process
from health import HealthWatch
from responders import Responders
from support import fastcgi_client
from support.fastcgi import BEGIN_REQUEST, PARAMS, STDIN, record
from support.waiting import wait_for
from support.wire import API
from traffic import counts, percentile

WRK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Load", "wrk.lua")


def wrk(bench, seconds, connections=32, base_url=None):
    """Asks for the hits as fast as it can."""
    data = bench.stack.state / "wrk"
    data.mkdir(exist_ok=True)
    (data / "tokens").write_text("".join(token + "\n" for token in bench.tokens))
    (data / "hits").write_text("".join(line + "\n" for line in bench.hit_lines))
    environment = dict(os.environ, LOAD_TOKENS=str(data / "tokens"), LOAD_REQUESTS=str(data / "hits"), LOAD_THREADS="2")
    done = subprocess.run(
        ["wrk", "-t2", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "-s", WRK, base_url or bench.stack["BASE_URL"]],
        env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def rate(result):
    return result["requests"] / (result["duration_us"] / 1e6)


def bulkhead(bench, report, options):
    """In turns without and with the fault, so that a noisy machine is noisy for both."""
    # The breaker would end the stall for the workers after five failures; this shows what the bulkhead does without it.
    bench.responder_with(proxied=("store",), NOVATUNE_WORKERS="16", NOVATUNE_BREAKER_FAILURES="1000")
    ratios = []
    for _ in range(5):
        usual = rate(wrk(bench, 4))
        bench.proxies.set("store", "stall")
        with bench.traffic(connections=12, misses_in_ten=10, pause=0.05) as misses, HealthWatch(bench.stack["BASE_URL"]) as health:
            wait_for(lambda: bench.metric("object_store_calls_waiting") == 8, 10, "half of the workers at the object store")
            result = wrk(bench, 4)
            most = bench.metric("object_store_calls_waiting")
            bench.proxies.set("store", "pass")
        health.judge(report, "store stalled")
        report.check("no hit was refused", result["bad_status"] == 0 and result["socket_errors"] == 0)
        report.check(f"at most half of the workers wait, not {most:.0f}", most <= 8)
        flaws = {sample.flaw for sample in misses.samples() if sample.flaw}
        report.check(f"misses are answered 200 or 503: {flaws}", not flaws and set(counts(misses.samples())) <= {200, 503})
        ratios.append(rate(result) / usual)
        report.note(f"hits: {usual:,.0f}/s without, {rate(result):,.0f}/s with the store stalled, ratio {ratios[-1]:.2f}; misses {dict(counts(misses.samples()))}")
    report.check(f"hits keep 90 % of their throughput: median ratio {statistics.median(ratios):.2f}", statistics.median(ratios) >= 0.9)


def blackhole(bench, report, options):
    bench.responder_with(proxied=("database",))
    stream = f"/tracks/{bench.hits[0][0]}/stream"
    report.header()
    with bench.traffic() as traffic:
        wait_for(lambda: traffic.settled(0), 30, "traffic without a fault")
        began = time.monotonic()
        bench.proxies.set("database", "blackhole")
        with HealthWatch(bench.stack["BASE_URL"], ("/healthz", "/readyz", "/metrics", stream)) as health:
            time.sleep(60)
        ended = time.monotonic()
        bench.proxies.set("database", "pass")
        well = wait_for(lambda: traffic.settled(ended), 45, "recovery")
        # The probe that closed the breaker was the first 200 after the fault.
        first_good = min(sample.ended for sample in traffic.samples(ended) if sample.status == 200)
    during = traffic.samples(began, ended)
    report.row("database vanishes for 60 s", during, well - ended)
    refused = [sample for sample in during if sample.status == 503]
    report.check("every answer is a 503 in form", all(not sample.flaw for sample in during) and set(counts(during)) <= {200, 503})
    report.check("503 within the deadline of 10 s", max(sample.milliseconds for sample in refused) < 10_500)
    # Open from the fifth failure on: those that say to come back later than the default of 5 s, or were told at once.
    while_open = [sample for sample in refused if sample.started > began + 5 and sample.milliseconds < 1000]
    report.note(f"{len(while_open)} of {len(refused)} refusals came while the breaker was open: p50 {percentile([s.milliseconds for s in while_open], 0.5):.1f} ms,"
                f" p99 {percentile([s.milliseconds for s in while_open], 0.99):.1f} ms; Retry-After {Counter(s.retry_after for s in while_open).most_common(3)}")
    report.check("most were refused at once", len(while_open) > 0.98 * len(refused) - 200)
    report.check("within 50 ms while the breaker is open", percentile([sample.milliseconds for sample in while_open], 0.99) < 50)
    report.check("they say when to come back", all(1 <= sample.retry_after <= 30 for sample in while_open))
    report.check(f"well within 2 s of the first good probe: {well - first_good:.2f} s", well - first_good < 2)
    # Health and refusals need no database.
    health.judge(report, "database vanishes")
    for path, statuses in {"/healthz": {200}, "/readyz": {200, 503}, "/metrics": {200}, stream: {401}}.items():
        report.check(f"{path} answers {statuses} all the time, not {health.statuses(path)}", health.statuses(path) == statuses)
        report.check(f"{path} within 100 ms all the time: {health.slowest(path):.0f} ms at worst", health.slowest(path) < 100)


def overload(bench, report, options):
    """Every query takes 200 ms, so that eight workers answer 40 requests a second; several times as many are asked for."""
    bench.responder_with(proxied=("database",), NOVATUNE_QUEUE_TIMEOUT="500ms")
    pid = bench.responder
    log = bench.stack.state / "log" / "access.log"
    usual = wrk(bench, 3, connections=16)
    before = process.resident_kb(pid)
    bench.proxies.set("database", "delay")
    offset = log.stat().st_size
    with HealthWatch(bench.stack["BASE_URL"]) as health:
        result = wrk(bench, 8, connections=400)
    report.note(f"400 clients, {result['requests']} answers in 8 s, p99 {result['p99_us'] / 1000:.0f} ms")
    bench.proxies.set("database", "pass")
    lifted = time.monotonic()
    wait_for(lambda: bench.api.stream(*bench.hits[0]).status == 200, 5)
    well = time.monotonic() - lifted

    def logged():
        with open(log) as lines:
            lines.seek(offset)
            return [json.loads(line) for line in lines.read().splitlines(keepends=True) if "/stream" in line and line.endswith("\n")]

    # nginx's workers write theirs once a second; wrk has had as many answers.
    wait_for(lambda: sum(entry["status"] in (200, 503) for entry in logged()) >= result["requests"], 10, "the access log")
    entries = logged()
    statuses = Counter(entry["status"] for entry in entries)
    accepted = [entry["seconds"] for entry in entries if entry["status"] == 200]
    refused = [entry["seconds"] for entry in entries if entry["status"] == 503]
    report.note(f"answers {dict(statuses)}; accepted p50 {percentile(accepted, 0.5):.2f} s, p99 {percentile(accepted, 0.99):.2f} s;"
                f" refused p50 {percentile(refused, 0.5):.3f} s, p99 {percentile(refused, 0.99):.3f} s; well after {well:.2f} s")
    # 499: wrk's own end.
    report.check(f"200 or 503 alone: {dict(statuses)}", set(statuses) <= {200, 503, 499})
    report.check("some are answered and the excess is refused", statuses[200] > 100 and statuses[503] > 100)
    report.check("what is accepted waited no longer than the queue's 500 ms and its own time", percentile(accepted, 0.99) < 2)
    report.check("the excess is told quickly", percentile(refused, 0.5) < 1)
    report.check("normal again within a second", well < 1)
    health.judge(report, "overload")
    after = process.resident_kb(pid)
    report.check(f"memory stays flat: {before} kB, {after} kB", after < before * 1.2)
    again = wrk(bench, 3, connections=16)
    report.note(f"before {rate(usual):,.0f}/s, afterwards {rate(again):,.0f}/s")
    report.check("as fast as before", rate(again) > 0.7 * rate(usual))


def restarts(bench, report, options):
    report.header()
    with Responders(bench, 2) as responders:
        with bench.traffic(connections=32, pause=0.02) as traffic:
            wait_for(lambda: traffic.settled(0), 30, "traffic")
            began = time.monotonic()
            for number in (0, 1, 0, 1):
                responders.restart(number)
                settled_at = time.monotonic()
                wait_for(lambda: traffic.settled(settled_at), 20, "traffic after a restart")
            ended = time.monotonic()
        samples = traffic.samples(began, ended)
        report.row("rolling restart of two", samples, 0.0)
        report.check(f"no request failed: {dict(counts(samples))}", set(counts(samples)) == {200})

        with bench.traffic(connections=32, pause=0.0) as traffic, HealthWatch(bench.stack["BASE_URL"]) as health:
            wait_for(lambda: traffic.settled(0), 30, "traffic")
            began = time.monotonic()
            responders.kill(0)
            time.sleep(2)
            ended = time.monotonic()
            responders.start(0)
            wait_for(lambda: traffic.settled(ended), 20, "traffic after the kill")
        samples = traffic.samples(began, ended)
        report.row("kill -9 one of two", samples, 0.0)
        lost = sum(count for status, count in counts(samples).items() if status != 200)
        report.check(f"at most the requests that it held were lost, and those were asked elsewhere: {lost} lost", lost == 0)
        health.judge(report, "kill -9 one of two")

    with Responders(bench, 1, held=True) as responders:
        with bench.traffic(connections=32, pause=0.02) as traffic:
            wait_for(lambda: traffic.settled(0), 30, "traffic")
            began = time.monotonic()
            for _ in range(3):
                responders.restart(0)
                settled_at = time.monotonic()
                wait_for(lambda: traffic.settled(settled_at), 20, "traffic after a restart")
            ended = time.monotonic()
        samples = traffic.samples(began, ended)
        report.row("restart behind a held socket", samples, 0.0)
        report.check(f"no request failed: {dict(counts(samples))}", set(counts(samples)) == {200})


def peers(bench, report, options):
    """Whatever they send: nobody dies, nothing leaks, no worker is held for longer than 5 s."""
    bench.responder_with(proxied=(), NOVATUNE_WORKERS="2")
    path, pid = bench.stack["STREAM_SOCKET"].removeprefix("unix:"), bench.responder
    begin = record(BEGIN_REQUEST, 1, struct.pack(">HB5x", 1, 1))
    good = fastcgi_client.stream_request(*bench.hits[0])

    def pairs(count, size):
        return {f"NAME_{number}": "v" * size for number in range(count)}

    bad = {
        "version 9": struct.pack(">BBHHBx", 9, 1, 1, 8, 0) + bytes(8),
        "begin record of 60,000 bytes": record(BEGIN_REQUEST, 1, bytes(60_000)),
        "unknown role": record(BEGIN_REQUEST, 1, struct.pack(">HB5x", 99, 1)) + record(PARAMS, 1, b"") + record(STDIN, 1, b""),
        "unknown type": begin + record(77, 1, b"what") + record(PARAMS, 1, b"") + record(STDIN, 1, b""),
        "abort": begin + record(2, 1, b""),
        "abort after parameters": begin + record(PARAMS, 1, b"") + record(2, 1, b""),
        "second id in one request": begin + record(PARAMS, 2, b"\x01\x01ab") + record(PARAMS, 1, b"") + record(STDIN, 2, b"x") + record(STDIN, 1, b""),
        "two begins": begin + record(BEGIN_REQUEST, 2, struct.pack(">HB5x", 1, 1)) + record(PARAMS, 1, b"") + record(STDIN, 1, b""),
        "half a record, then silence": begin + record(PARAMS, 1, b"x" * 100)[:50],
        "a header, then silence": begin[:8],
        "parameters without an end": begin + record(PARAMS, 1, b"\x01\x01ab"),
        "body without an end": begin + record(PARAMS, 1, b"") + record(STDIN, 1, b"x"),
        "4 kB of noise": bytes(range(1, 255)) * 16,
        "noise that begins like a request": begin + bytes(range(1, 255)) * 16,
        "length that lies": begin + struct.pack(">BBHHBx", 1, PARAMS, 1, 4, 0) + b"\xff\xff\xff\xff",
    }
    with bench.traffic(connections=2, misses_in_ten=0) as traffic, HealthWatch(bench.stack["BASE_URL"]) as health:
        before = process.threads(pid), bench.descriptors()
        for name, data in bad.items():
            held = []
            # As many as there are workers: with more of them, the next ones are taken up before whoever asked after them.
            for _ in range(2):
                connection = fastcgi_client.connect(path)
                with contextlib.suppress(OSError):
                    connection.sendall(data)
                held.append(connection)
            start = time.monotonic()
            wait_for(lambda: traffic.samples(start), 6, f"an answer beside {name}")
            elapsed = time.monotonic() - start
            report.check(f"{name}: workers are free within 5 s, not {elapsed:.1f} s", elapsed < 5.5)
            for connection in held:
                connection.close()
        for name, request in {"200 parameters": good | pairs(200, 20), "a parameter of 60 kB": good | pairs(1, 60_000)}.items():
            with fastcgi_client.connect(path) as connection:
                # Records hold at most 65,535 bytes.
                content = b"".join(fastcgi_client._pair(key.encode(), value.encode()) for key, value in request.items())
                connection.sendall(
                    record(BEGIN_REQUEST, 1, struct.pack(">HB5x", 1, 0))
                    + b"".join(record(PARAMS, 1, content[at : at + 60_000]) for at in range(0, len(content), 60_000))
                    + record(PARAMS, 1, b"") + record(STDIN, 1, b""))
                report.check(f"{name}: is answered", fastcgi_client.receive(connection)[0] == 200)
        slow = [threading.Thread(target=trickle, args=(path, good)) for _ in range(4)]
        for thread in slow:
            thread.start()
        start = time.monotonic()
        wait_for(lambda: len(traffic.samples(start)) > 20, 12, "answers beside peers that trickle")
        for thread in slow:
            thread.join(20)
        flaws = {sample.flaw for sample in traffic.samples() if sample.flaw}
        # Four peers hold both workers for up to 5 s, and who waited for 2 s is told to come back.
        seen = counts(traffic.samples())
        report.check(f"traffic beside them is answered: {flaws}, {dict(seen)}", not flaws and set(seen) <= {200, 503} and seen[200] > 20)
    health.judge(report, "peers")
    report.check("the responder never ended", bench.stack.responder_is_running() and bench.responder == pid)
    try:
        wait_for(lambda: process.threads(pid) == before[0] and bench.descriptors() <= before[1], 10)
    except AssertionError:
        report.check(f"threads and descriptors {before} do not grow", False)
    report.note(f"{len(bad) + 3} kinds of bad peers")


def trickle(path, request):
    """A byte now and then, until it is cut."""
    content = b"".join(fastcgi_client._pair(key.encode(), value.encode()) for key, value in request.items())
    data = record(BEGIN_REQUEST, 1, struct.pack(">HB5x", 1, 0)) + record(PARAMS, 1, content)
    deadline = time.monotonic() + 12
    with fastcgi_client.connect(path) as connection, contextlib.suppress(OSError):
        for byte in data:
            connection.sendall(bytes([byte]))
            time.sleep(0.1)
            if time.monotonic() > deadline:
                return


def descriptors(bench, report, options):
    """None left: what needs a new one fails, the rest goes on, and all is well once there are some again."""
    bench.responder_with(proxied=())
    pid, path = bench.responder, bench.stack["STREAM_SOCKET"].removeprefix("unix:")
    usual = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    report.header()
    with bench.traffic() as traffic, HealthWatch(bench.stack["BASE_URL"]) as health:
        wait_for(lambda: traffic.settled(0), 30, "traffic")
        began = time.monotonic()
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (process.descriptors(pid), usual[1]))
        held = [fastcgi_client.connect(path) for _ in range(40)]
        time.sleep(options.seconds)
        ended = time.monotonic()
        resource.prlimit(pid, resource.RLIMIT_NOFILE, usual)
        for connection in held:
            connection.close()
        well = wait_for(lambda: traffic.settled(ended), 30, "recovery")
    samples = traffic.samples(began)
    report.row("no descriptors left", traffic.samples(began, ended), well - ended)
    health.judge(report, "no descriptors left")
    flaws = {sample.flaw for sample in samples if sample.flaw}
    report.check(f"200 or 503 alone: {flaws}, {dict(counts(samples))}", not flaws and set(counts(samples)) <= {200, 503})
    report.check("the responder never ended", bench.stack.responder_is_running() and bench.responder == pid)


def memory(bench, report, options):
    bench.responder_with(proxied=())
    pid, done, early = bench.responder, 0, None
    while done < 1_000_000:
        result = wrk(bench, 10)
        report.check("every answer is 200", result["bad_status"] == 0 and result["socket_errors"] == 0)
        done += result["requests"]
        if early is None and done >= 100_000:
            early = process.resident_kb(pid)
            report.note(f"{done:,} requests: {early} kB resident")
    last = process.resident_kb(pid)
    report.note(f"{done:,} requests: {last} kB resident, {process.threads(pid)} threads, {process.descriptors(pid)} descriptors")
    report.check(f"resident memory within 5 %: {early} kB, {last} kB", last <= early * 1.05)
