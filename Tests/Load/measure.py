"""One run of load.c against one side, and what each process spent on it."""

import collections
import os
import re
import resource
import shutil
import signal
import subprocess
import time
from pathlib import Path

from harness import process
from programs import fail

CONNECTIONS, PACED_RATE = 32, 2000
LIMITED_PER_MINUTE, UNLIMITED = 1, 100_000


class RequestPath:
    """How a path is asked for, and what its answers should be."""

    def __init__(
        self, title, requests, status=200, tokens="tokens", is_fresh=False, rate=0, connections=CONNECTIONS,
        per_minute=UNLIMITED, seconds=None, without=()
    ):
        # `seconds`: of a path that ends with its last request. `without`: the sides that cannot serve it.
        self.title, self.requests, self.status, self.tokens, self.is_fresh = title, requests, status, tokens, is_fresh
        self.rate, self.connections, self.per_minute, self.seconds = rate, connections, per_minute, seconds
        self.without = without


PATHS = {
    "hit": RequestPath("hit: every answer from the warm cache", "hit"),
    "first": RequestPath("first: each user asks for a track once, tracks by Zipf's law", "first", is_fresh=True),
    "miss": RequestPath("miss: no track twice, so that each object is looked for", "miss", is_fresh=True),
    "401": RequestPath("401: forged signatures", "hit", 401, "forged"),
    "429": RequestPath("429: the allowance is used up", "limited", 429, per_minute=LIMITED_PER_MINUTE),
    "paced": RequestPath(f"paced: hits, {PACED_RATE:,} a second", "hit", rate=PACED_RATE),
    "idle": RequestPath("idle: hits, one at a time", "hit", connections=1),
    "users": RequestPath(
        "users: 10,000 ask once each, over 200 connections", "users", is_fresh=True, connections=200, seconds=60,
        # Its request threads refuse a part of so many.
        without=("former",)),
}


def spent(roots):
    """Nanoseconds on a CPU, and how often it got one, of each thread (Linux,
    Documentation/scheduler/sched-stats.rst)."""
    found = {}
    for root in roots:
        for pid in process.family(root):
            for path in Path(f"/proc/{pid}/task").glob("*/schedstat"):
                try:
                    cpu, _, turns = path.read_text().split()
                    found[path] = (int(cpu), int(turns))
                except OSError:
                    pass
    return found


def grown(before, after, index):
    return sum(figures[index] - before.get(task, (0, 0))[index] for task, figures in after.items())


def machine_busy_s():
    with open("/proc/stat") as file:
        user, nice, system, _, _, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def children_s():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class Bench:
    def __init__(self, servers, state, generator):
        self.servers, self._data, self._generator = servers, state / "data", generator

    def groups(self, side, per_minute):
        servers = self.servers
        s3 = [int((servers.state / "pid" / name).read_text().split()[0]) for name in ("s3", "s3-osd", "s3-mon")]
        return {
            "responder": [side.responder.pid], "nginx": [side.nginx_pid(per_minute)],
            "postgresql": [int(servers["PID_POSTGRES"])],
            "redis": [int(servers["PID_REDIS"])], "s3": s3}

    def ask(self, port, path, seconds, rate=None, connections=None, once=False, requests=None):
        return self._generator.ask(
            port, self._data / path.tokens, self._data / (requests or path.requests), seconds,
            connections or path.connections,
            path.rate if rate is None else rate, once)

    def forget_cache(self):
        subprocess.run(
            ["redis-cli", "-e", "-s", self.servers["REDIS_SOCKET"], "flushall"], check=True, stdout=subprocess.DEVNULL)

    def warm(self, side, name):
        """Connections, prepared statements, pages, and each user's cache entry. Fresh paths get an empty cache and a
        new process."""
        path = PATHS[name]
        port = side.address(path.per_minute)
        if path.is_fresh:
            self.forget_cache()
            side.restart(**side.loop_settings)
            self.ask(port, path, 20, once=True, requests="warm")
            # Entries are written after the answer.
            time.sleep(.3)
            return self.forget_cache()
        for _ in range(10):
            before = side.metrics()["stream_url_cache_misses_total"]
            self.ask(port, path, 20, rate=0, connections=CONNECTIONS, once=True)
            if side.metrics()["stream_url_cache_misses_total"] == before:
                break
        self.ask(port, path, .5, rate=0, connections=CONNECTIONS)

    def run(self, side, name, seconds, rate=None, connections=None):
        """Figures of one run; the side is warm."""
        path = PATHS[name]
        port = side.address(path.per_minute)
        groups = self.groups(side, path.per_minute)
        counted = side.metrics()
        before, own = {group: spent(pids) for group, pids in groups.items()}, children_s()
        busy, wall = machine_busy_s(), time.monotonic()
        result = self.ask(port, path, path.seconds or seconds, rate, connections, once=path.is_fresh)
        busy, wall = machine_busy_s() - busy, time.monotonic() - wall
        after = {group: spent(pids) for group, pids in groups.items()}
        own = children_s() - own
        resident_mb = process.resident_kb(side.responder.pid) / 1024
        counts = {key: value - counted.get(key, 0) for key, value in side.metrics().items()}
        check(side.name, name, result, counts)
        requests = max(1, result["requests"])
        cpu_us = {group: grown(before[group], after[group], 0) / 1000 / requests for group in groups}
        served = sum(cpu_us[group] for group in groups)
        return {
            "side": side.name, "path": name, "offered": rate or path.rate,
            "rate": result["requests"] / result["seconds"],
            **{key: result[key] for key in ("requests", "seconds", "statuses", "p50_ms", "p99_ms", "max_ms")},
            "cpu_us": cpu_us | {"generator": own * 1e6 / requests},
            "switches": {group: grown(before[group], after[group], 1) / requests for group in groups},
            "resident_mb": resident_mb,
            "idle_mb": idle_mb(side) if name == "users" else None,
            "foreign": max(0.0, busy - served * requests / 1e6 - own) / wall / os.cpu_count(),
        }

    def system_calls(self, side, name):
        """Calls a request of each group, counted by perf in a run of their own, because counting slows; None where perf
        cannot."""
        if not shutil.which("perf"):
            return None
        path = PATHS[name]
        groups = self.groups(side, path.per_minute)
        counters = {
            group: subprocess.Popen(
                ["perf", "stat", "-x,", "-e", "raw_syscalls:sys_enter", "-p",
                 ",".join(str(pid) for root in roots for pid in process.family(root))],
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            for group, roots in groups.items() if group != "s3"}
        time.sleep(.5)
        result = self.ask(side.address(path.per_minute), path, 1, once=path.is_fresh)
        found = {}
        for group, counter in counters.items():
            counter.send_signal(signal.SIGINT)
            line = re.search(r"^(\d+),", counter.communicate()[1], re.MULTILINE)
            found[group] = int(line[1]) / max(1, result["requests"]) if line else None
        return None if None in found.values() else found


def idle_mb(side):
    """Resident memory, once it has not changed for seven seconds: a responder waits for five."""
    known, since = None, time.monotonic()
    limit = since + 60
    while time.monotonic() - since < 7:
        if time.monotonic() > limit:
            fail(f"{side.name}: its memory changes without end")
        now = process.resident_kb(side.responder.pid)
        if now != known:
            known, since = now, time.monotonic()
        time.sleep(.1)
    return known / 1024


def check(side, name, result, counts):
    """Figures of wrong answers mean nothing."""
    path, statuses = PATHS[name], dict(result["statuses"])
    expected = statuses.pop(str(path.status), 0)
    # Each limited user has one request a minute that passes.
    if name == "429" and statuses.get("200", 0) <= 64:
        statuses.pop("200", None)
    hits, misses = counts["stream_url_cache_hits_total"], counts["stream_url_cache_misses_total"]
    if statuses or not expected or result["errors"]:
        fail(f"{side}, {name}: expected {path.status} alone, got {result}")
    if path.requests == "hit" and path.status == 200 and misses > 0.001 * expected + 5:
        fail(f"{side}, {name}: {misses:.0f} of {expected} were misses")
    if path.is_fresh and hits > 0:
        fail(f"{side}, {name}: {hits:.0f} of {expected} were hits")


def side_by_side(bench, sides, port, nginx_pid, log, seconds):
    """Two responders behind one nginx that asks them in turns, in the same seconds: for what differs less than one
    second from the next. Which of them answered is in nginx's access log."""
    flush_s = 1.2  # nginx writes its buffered access log once a second
    others = [nginx_pid, int(bench.servers["PID_POSTGRES"]), int(bench.servers["PID_REDIS"])]
    time.sleep(flush_s)
    os.truncate(log, 0)
    before, others_before, own = {side: spent([side.responder.pid]) for side in sides}, spent(others), children_s()
    busy, wall = machine_busy_s(), time.monotonic()
    result = bench.ask(port, PATHS["hit"], seconds)
    busy, wall = machine_busy_s() - busy, time.monotonic() - wall
    after, others_after, own = {side: spent([side.responder.pid]) for side in sides}, spent(others), children_s() - own
    time.sleep(flush_s)
    found = collections.Counter(re.findall(
        r'"path":"/tracks/[^"]*","status":(\d+),.*"upstreamAddress":"unix:[^"]*/([^"/]+)/stream\.sock"',
        log.read_text()))
    answered = {side: found["200", side.name] for side in sides}
    if set(result["statuses"]) != {"200"} or result["errors"] or sum(answered.values()) < 0.99 * result["requests"]:
        fail(f"expected 200 alone, got {dict(found)} in the access log, and {result}")
    ns = {side: grown(before[side], after[side], 0) for side in sides}
    rest = busy - (sum(ns.values()) + grown(others_before, others_after, 0)) / 1e9 - own
    return [
        {"side": side.name, "path": "hit", "requests": answered[side], "cpu_us": ns[side] / 1000 / answered[side],
         "foreign": max(0.0, rest) / wall / os.cpu_count()} for side in sides]
