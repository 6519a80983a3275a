"""Tables from the lines that measure.py wrote.

usage: report.py paths|sweep|logs|traces RESULTS
"""

import collections
import json
import statistics
import sys

PATHS = {
    "hit": "hit: from the cache",
    "miss": "miss: HEAD of the object, presign, seal, store",
    "401": "401: forged signature, answered at the gate",
    "429": "429: allowance used up, answered by nginx after the gate",
}
GROUPS = [
    ("responder", "responder"), ("nginx", "nginx"), ("postgresql", "PostgreSQL"), ("redis", "Redis"), ("s3", "S3 store"),
    ("wrk", "wrk"),
]
NOISE_LIMIT = 0.05


def read(name):
    with open(name) as file:
        return [json.loads(line) for line in file]


def spread(values, digits):
    return f"{statistics.median(values):,.{digits}f}", f"({min(values):,.{digits}f} … {max(values):,.{digits}f})"


def series(runs, measure):
    return [measure(run) for run in runs]


def ratios(product, floor, measure):
    """Round by round: what disturbed a round disturbed both halves of it."""
    return [measure(ours) / measure(theirs) for ours, theirs in zip(product, floor) if measure(theirs) > 0]


def row(label, product, floor, measure, digits):
    cells = [*spread(series(product, measure), digits), *spread(series(floor, measure), digits)]
    compared = ratios(product, floor, measure)
    cells += spread(compared, 2) if compared else ("", "")
    print(f"  {label:<20}{cells[0]:>9} {cells[1]:<21}{cells[2]:>9} {cells[3]:<21}{cells[4]:>6} {cells[5]}")


def summed(runs):
    counts = collections.Counter()
    for run in runs:
        counts.update(run["statuses"])
    # 499: wrk hung up at the end of its time.
    return ", ".join(f"{count:,} × {status}" for status, count in counts.most_common())


def table(path, product, floor):
    print(f"\n{PATHS[path]}")
    print(f"  {'':<20}{'product':>9} {'(min … max)':<21}{'floor':>9} {'(min … max)':<21}{'ratio':>6} (of each round)")
    row("requests/s", product, floor, lambda run: run["rate"], 0)
    row("p50, ms", product, floor, lambda run: run["p50_ms"], 2)
    row("p99, ms", product, floor, lambda run: run["p99_ms"], 2)
    row("longest, ms", product, floor, lambda run: run["max_ms"], 0)
    row("p99 / p50", product, floor, lambda run: run["p99_ms"] / run["p50_ms"], 1)
    print("  CPU µs/request")
    for key, name in GROUPS:
        # Whoever a path does not reach only ticks.
        if max(run["cpu_us"][key] for run in product + floor) < 1 or (key == "s3" and path != "miss"):
            continue
        row("  " + name, product, floor, lambda run: run["cpu_us"][key], 1)
    row("resident, MB", product, floor, lambda run: run["resident_mb"], 1)
    print(f"  answers             product {summed(product)}; floor {summed(floor)}")
    foreign = statistics.median(run["foreign"] for run in product + floor)
    if foreign > NOISE_LIMIT:
        print(f"  noisy: other processes took {foreign:.0%} of the machine")


def verdict(text, value, limit, at_least):
    met = value >= limit if at_least else value <= limit
    print(f"  {'met' if met else 'NOT met':<8} {text}: {value:.3g}, aim {'≥' if at_least else '≤'} {limit}")


def paths(runs):
    first = runs[0]
    sides = collections.defaultdict(lambda: collections.defaultdict(list))
    memory = {}
    for run in runs:
        if run["path"] in PATHS:
            sides[run["path"]][run["side"]].append(run)
        else:
            memory[run["path"].removeprefix("memory-"), run["side"]] = run
    print(f"{first['workers']} workers, 32 connections, wrk with 2 threads; medians")
    for path in PATHS:
        if path in sides:
            table(path, sides[path]["product"], sides[path]["floor"])
    if memory:
        print("\nresident MB with 16 workers")
        for path in ("hit", "miss"):
            if (path, "product") in memory:
                product, floor = (memory[path, side]["resident_mb"] for side in ("product", "floor"))
                print(f"  after {path}: product {product:.1f}, floor {floor:.1f}")
    print("\naims")
    if "hit" in sides:
        product, floor = sides["hit"]["product"], sides["hit"]["floor"]
        verdict("hit path, requests/s, product/floor",
                statistics.median(ratios(product, floor, lambda run: run["rate"])), 0.9, True)
        verdict("hit path, responder CPU, product/floor",
                statistics.median(ratios(product, floor, lambda run: run["cpu_us"]["responder"])), 1.2, False)
        verdict("hit path, p99/p50", statistics.median(run["p99_ms"] / run["p50_ms"] for run in product), 4, False)
    resident = [run["resident_mb"] for (_, side), run in memory.items() if side == "product"]
    if resident:
        verdict("resident MB with 16 workers", max(resident), 40, False)
    if not resident and "hit" not in sides:
        print("  all of them are about the hit path, which was not measured")


TELEMETRY = {
    "logs": ("a line for each request and all metrics, against the same program without", 1.05),
    "traces": ("1 % of the requests traced, against the same program untraced", 1.02),
}


def telemetry(kind, runs):
    title, limit = TELEMETRY[kind]
    product, rival = ([run for run in runs if run["side"] == side] for side in ("product", "floor"))
    print(f"{title}; hit path, {runs[0]['workers']} workers, 32 connections to both; medians")
    print(f"  {'':<20}{'with':>9} {'(min … max)':<21}{'without':>9} {'(min … max)':<21}{'ratio':>6} (of each round)")
    row("requests", product, rival, lambda run: run["requests"], 0)
    row("responder CPU, µs", product, rival, lambda run: run["cpu_us"], 1)
    foreign = statistics.median(run["foreign"] for run in runs)
    if foreign > NOISE_LIMIT:
        print(f"  noisy: other processes took {foreign:.0%} of the machine")
    print("\naims")
    verdict("responder CPU, with/without", statistics.median(ratios(product, rival, lambda run: run["cpu_us"])), limit, False)


def sweep(runs):
    by_workers = collections.defaultdict(lambda: collections.defaultdict(list))
    for run in runs:
        by_workers[run["workers"]][run["side"]].append(run)
    print("hit path by NOVATUNE_WORKERS, 32 connections; medians")
    print(f"  {'workers':>7} │ {'product req/s':>13} {'p50 ms':>7} {'p99 ms':>7} {'p99/p50':>7} {'CPU µs':>7} {'MB':>6} "
          f"│ {'floor req/s':>11} {'p50 ms':>7} {'p99 ms':>7} {'CPU µs':>7} {'MB':>6} │ {'ratio':>5}")
    for workers, sides in sorted(by_workers.items()):
        product, floor = sides["product"], sides["floor"]

        def median(runs, measure):
            return statistics.median(series(runs, measure))

        def cells(runs):
            return (median(runs, lambda run: run["rate"]), median(runs, lambda run: run["p50_ms"]),
                    median(runs, lambda run: run["p99_ms"]), median(runs, lambda run: run["cpu_us"]["responder"]),
                    median(runs, lambda run: run["resident_mb"]))

        rate, p50, p99, cpu, memory = cells(product)
        floor_rate, floor_p50, floor_p99, floor_cpu, floor_memory = cells(floor)
        ratio = statistics.median(ratios(product, floor, lambda run: run["rate"]))
        tail = median(product, lambda run: run["p99_ms"] / run["p50_ms"])
        print(f"  {workers:>7} │ {rate:>13,.0f} {p50:>7.2f} {p99:>7.2f} {tail:>7.1f} {cpu:>7.1f} {memory:>6.1f} "
              f"│ {floor_rate:>11,.0f} {floor_p50:>7.2f} {floor_p99:>7.2f} {floor_cpu:>7.1f} {floor_memory:>6.1f} "
              f"│ {ratio:>5.2f}")
    foreign = statistics.median(run["foreign"] for run in runs)
    if foreign > NOISE_LIMIT:
        print(f"  noisy: other processes took {foreign:.0%} of the machine")


if __name__ == "__main__":
    kind, lines = sys.argv[1], read(sys.argv[2])
    if kind in TELEMETRY:
        telemetry(kind, lines)
    else:
        {"paths": paths, "sweep": sweep}[kind](lines)
