"""One run of wrk against one side, with what each process spent on it, as one line of JSON.

usage: measure.py SIDE PATH SECONDS WORKERS BASE-URL METRICS-URL ACCESS-LOG TOKENS REQUESTS GROUP=PID[,PID...]...

Fails, with the reason, where the answers were not what PATH (hit, miss, 401, 429) should give: such numbers mean nothing.
"""

import collections
import glob
import json
import os
import re
import resource
import subprocess
import sys
import time
import urllib.request

CONNECTIONS, THREADS = 32, 2
LOG_FLUSH_S = 1.2  # nginx writes its buffered access log once a second


def descendants(roots):
    children = collections.defaultdict(list)
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path) as file:
                pid, rest = file.read().split(" (", 1)
        except OSError:
            continue
        children[int(rest.rsplit(") ", 1)[1].split()[1])].append(int(pid))
    found, waiting = set(), list(roots)
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting += children[pid]
    return found


def cpu_ns(roots):
    """Nanoseconds on a CPU of each thread: the first number of schedstat (Linux, Documentation/scheduler/sched-stats.rst)."""
    spent = {}
    for pid in descendants(roots):
        for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
            try:
                with open(path) as file:
                    spent[path] = int(file.read().split()[0])
            except OSError:
                pass
    return spent


def machine_busy_s():
    with open("/proc/stat") as file:
        user, nice, system, _, _, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid):
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"VmRSS:\s+(\d+) kB", file.read())[1]) / 1024


def metrics(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        text = answer.read().decode()
    return {name: float(value) for name, value in re.findall(r"^(\S+) (\S+)$", text, re.MULTILINE)}


def statuses(access_log):
    with open(access_log) as file:
        return collections.Counter(re.findall(r'"path":"/tracks/[^"]*","status":(\d+)', file.read()))


def unexpected(path, counts, requests, hits, misses):
    """What is wrong with the answers, or None. wrk leaves up to one request a connection unanswered at its end (499)."""
    expected = {"hit": "200", "miss": "200"}.get(path, path)
    others = {status: count for status, count in counts.items() if status != expected}
    others.pop("499", None)
    # Each limited user has one request a minute that passes.
    if path == "429" and others.get("200", 0) <= 64:
        others.pop("200", None)
    if others or counts[expected] < 0.99 * requests:
        return f"expected {expected} alone, got {dict(counts)} for {requests} requests"
    if path == "hit" and misses > 0.001 * requests:
        return f"{misses:.0f} of {requests} were misses"
    if path == "miss" and hits > 0:
        return f"{hits:.0f} of {requests} were hits: too few tracks for this speed"
    return None


def run_wrk(seconds, base_url, tokens, requests_file):
    """wrk's summary of itself (wrk.lua)."""
    environment = dict(os.environ, LOAD_TOKENS=tokens, LOAD_REQUESTS=requests_file, LOAD_THREADS=str(THREADS))
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "wrk.lua")
    wrk = subprocess.run(
        ["wrk", f"-t{THREADS}", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s", "-s", script, base_url],
        env=environment, stdout=subprocess.PIPE, text=True)
    if wrk.returncode != 0:
        sys.exit(f"wrk ended with {wrk.returncode}:\n{wrk.stdout}")
    return json.loads(wrk.stdout.splitlines()[-1])


def spent_us(before, after):
    """Microseconds that threads spent between two looks at them."""
    return sum(ns - before.get(task, 0) for task, ns in after.items()) / 1000


def wrk_us():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (usage.ru_utime + usage.ru_stime) * 1e6


def main(side, path, seconds, workers, base_url, metrics_url, access_log, tokens, requests_file, *groups):
    roots = {name: [int(pid) for pid in pids.split(",")] for name, pids in (group.split("=") for group in groups)}
    time.sleep(LOG_FLUSH_S)
    os.truncate(access_log, 0)
    counted_before = metrics(metrics_url)
    before = {name: cpu_ns(pids) for name, pids in roots.items()}
    busy_before, wall_before = machine_busy_s(), time.monotonic()
    result = run_wrk(seconds, base_url, tokens, requests_file)
    wall, busy = time.monotonic() - wall_before, machine_busy_s() - busy_before
    after = {name: cpu_ns(pids) for name, pids in roots.items()}
    memory = resident_mb(roots["responder"][0])
    counted = metrics(metrics_url)
    time.sleep(LOG_FLUSH_S)

    requests = result["requests"]
    difference = {name: counted[name] - counted_before.get(name, 0) for name in counted}
    counts = statuses(access_log)
    complaint = unexpected(
        path, counts, requests, difference["stream_url_cache_hits_total"], difference["stream_url_cache_misses_total"])
    if result["socket_errors"] and not complaint:
        complaint = f"{result['socket_errors']} socket errors"
    if complaint:
        sys.exit(f"{side}, {path}: {complaint}")

    spent = {name: spent_us(before[name], after[name]) for name in roots}
    spent["wrk"] = wrk_us()
    print(json.dumps({
        "side": side, "path": path, "workers": int(workers), "requests": requests,
        "rate": requests / (result["duration_us"] / 1e6), "p50_ms": result["p50_us"] / 1000, "p99_ms": result["p99_us"] / 1000,
        "max_ms": result["max_us"] / 1000, "statuses": dict(counts), "resident_mb": memory,
        "cpu_us": {name: value / requests for name, value in spent.items()},
        "machine_busy": busy / wall / os.cpu_count(), "foreign": max(0.0, busy - sum(spent.values()) / 1e6) / wall / os.cpu_count(),
    }))


if __name__ == "__main__":
    main(*sys.argv[1:])
