"""One run of wrk against two responders behind one nginx, with what each of them spent, as a line of JSON for each.

usage: side_by_side.py SECONDS WORKERS BASE-URL METRICS-URL ACCESS-LOG TOKENS REQUESTS OTHER-PIDS SIDE=PID SIDE=PID

METRICS-URL is the first side's. Whose request it was is in nginx's access log: the address has the side as a directory. Fails, with
the reason, where not every answer was a 200 from the cache: such numbers mean nothing.
"""

import collections
import glob
import json
import os
import re
import sys
import time

from measure import LOG_FLUSH_S, cpu_ns, machine_busy_s, metrics, run_wrk, spent_us, wrk_us


def requests_by_side(access_log):
    with open(access_log) as file:
        found = re.findall(r'"path":"/tracks/[^"]*","status":(\d+),.*"upstreamAddress":"unix:[^"]*/([^"/]+)/stream\.sock"', file.read())
    return collections.Counter(found)


def is_gate(task):
    """Whether the schedstat is of a thread that checks tokens."""
    with open(os.path.join(os.path.dirname(task), "comm")) as file:
        return file.read().startswith("gate-")


def main(seconds, workers, base_url, metrics_url, access_log, tokens, requests_file, others, *sides):
    pids = {side: int(pid) for side, pid in (side.split("=") for side in sides)}
    gates = {task for pid in pids.values() for task in glob.glob(f"/proc/{pid}/task/*/schedstat") if is_gate(task)}
    others = [int(pid) for pid in others.split(",")]
    time.sleep(LOG_FLUSH_S)
    os.truncate(access_log, 0)
    counted = metrics(metrics_url)
    before, others_before = {side: cpu_ns([pid]) for side, pid in pids.items()}, cpu_ns(others)
    busy, wall = machine_busy_s(), time.monotonic()
    result = run_wrk(seconds, base_url, tokens, requests_file)
    busy, wall = machine_busy_s() - busy, time.monotonic() - wall
    after, others_after = {side: cpu_ns([pid]) for side, pid in pids.items()}, cpu_ns(others)
    grown = {name: value - counted.get(name, 0) for name, value in metrics(metrics_url).items()}
    time.sleep(LOG_FLUSH_S)

    counts = requests_by_side(access_log)
    # 499: wrk hung up at the end of its time.
    odd = {key: count for key, count in counts.items() if key[0] not in ("200", "499")}
    answered = {side: counts["200", side] for side in pids}
    if odd or result["socket_errors"] or sum(answered.values()) < 0.99 * result["requests"] or not all(after.values()):
        sys.exit(f"expected 200 alone, got {dict(counts)} for {result['requests']} requests, {result['socket_errors']} socket errors")
    first = next(iter(pids))
    if grown["stream_url_cache_misses_total"] > 0.001 * answered[first]:
        sys.exit(f"{grown['stream_url_cache_misses_total']:.0f} of {answered[first]} were misses")
    # nginx chooses the gate for itself, so that a side may check tokens of the other's requests.
    checked = {first: grown['token_checks_total{outcome="accepted"}']}
    checked |= {side: sum(counts.values()) - checked[first] for side in pids if side != first}
    spent = sum(spent_us(before[side], after[side]) for side in pids) + spent_us(others_before, others_after) + wrk_us()
    for side in pids:
        gate, stream = (
            spent_us(before[side], {task: ns for task, ns in after[side].items() if (task in gates) == of_gate}) for of_gate in (True, False))
        print(json.dumps({
            "side": side, "workers": int(workers), "requests": answered[side], "cpu_us": stream / answered[side] + gate / checked[side],
            "foreign": max(0.0, busy - spent / 1e6) / wall / os.cpu_count(),
        }))


if __name__ == "__main__":
    main(*sys.argv[1:])
