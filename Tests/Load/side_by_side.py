"""One run of wrk against two responders behind one nginx, with what each of them spent, as a line of JSON for each.

usage: side_by_side.py SECONDS WORKERS BASE-URL ACCESS-LOG TOKENS REQUESTS NGINX-PID SIDE=PID SIDE=PID

Whose request it was is in nginx's access log: the address has the side as a directory. Fails, with the reason, where not every
answer was 200: such numbers mean nothing.
"""

import collections
import json
import os
import re
import sys
import time

from measure import LOG_FLUSH_S, cpu_ns, machine_busy_s, run_wrk, spent_us, wrk_us


def requests_by_side(access_log):
    with open(access_log) as file:
        found = re.findall(r'"path":"/tracks/[^"]*","status":(\d+),.*"upstreamAddress":"unix:[^"]*/([^"/]+)/stream\.sock"', file.read())
    return collections.Counter(found)


def main(seconds, workers, base_url, access_log, tokens, requests_file, nginx, *sides):
    pids = {side: int(pid) for side, pid in (side.split("=") for side in sides)}
    time.sleep(LOG_FLUSH_S)
    os.truncate(access_log, 0)
    roots = pids | {"nginx": int(nginx)}
    before = {name: cpu_ns([pid]) for name, pid in roots.items()}
    busy, wall = machine_busy_s(), time.monotonic()
    result = run_wrk(seconds, base_url, tokens, requests_file)
    busy, wall = machine_busy_s() - busy, time.monotonic() - wall
    spent = {name: spent_us(before[name], cpu_ns([pid])) for name, pid in roots.items()}
    time.sleep(LOG_FLUSH_S)

    counts = requests_by_side(access_log)
    # 499: wrk hung up at the end of its time.
    others = {key: count for key, count in counts.items() if key[0] not in ("200", "499")}
    answered = {side: counts["200", side] for side in pids}
    if others or result["socket_errors"] or sum(answered.values()) < 0.99 * result["requests"]:
        sys.exit(f"expected 200 alone, got {dict(counts)} for {result['requests']} requests, {result['socket_errors']} socket errors")
    for side in pids:
        print(json.dumps({
            "side": side, "workers": int(workers), "requests": answered[side], "cpu_us": spent[side] / answered[side],
            # PostgreSQL and Redis among them.
            "foreign": max(0.0, busy - (sum(spent.values()) + wrk_us()) / 1e6) / wall / os.cpu_count(),
        }))


if __name__ == "__main__":
    main(*sys.argv[1:])
