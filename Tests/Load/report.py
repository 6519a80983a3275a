"""Tables of what was measured."""

import collections
import statistics

from measure import PATHS

GROUPS = {"responder": "responder", "nginx": "nginx", "postgresql": "PostgreSQL", "redis": "Redis"}
NOISE_LIMIT = 0.05
SIDES = ("product", "floor", "former")


def spread(values, digits):
    return f"{statistics.median(values):,.{digits}f} ({min(values):,.{digits}f}…{max(values):,.{digits}f})"


def ratios(product, other, measure):
    """Round by round: what disturbed a round disturbed all sides of it."""
    return [measure(ours) / measure(theirs) for ours, theirs in zip(product, other) if measure(theirs) > 0]


def by_side(runs):
    found = collections.defaultdict(list)
    for run in runs:
        found[run["side"]].append(run)
    return found


def served_us(run):
    return sum(run["cpu_us"][group] for group in GROUPS)


def row(label, sides, measure, digits):
    cells = [f"  {label:<22}"]
    cells += [f"{spread([measure(run) for run in sides[side]], digits):>26}" for side in SIDES if side in sides]
    for side in SIDES[1:]:
        if side in sides:
            compared = ratios(sides["product"], sides[side], measure)
            cells.append(f"{spread(compared, 2) if compared else '':>20}")
    print("".join(cells).rstrip())


def head(sides, titles={}):
    shown = [titles.get(side, side) for side in SIDES if side in sides]
    print(f"  {'':<22}" + "".join(f"{title:>26}" for title in shown)
        + "".join(f"{'of ' + title:>20}" for title in shown[1:]))


def table(name, runs, calls):
    sides = by_side(runs)
    print(f"\n{PATHS[name].title}")
    head(sides)
    row("requests/s", sides, lambda run: run["rate"], 0)
    row("p50, ms", sides, lambda run: run["p50_ms"], 2)
    row("p99, ms", sides, lambda run: run["p99_ms"], 2)
    row("longest, ms", sides, lambda run: run["max_ms"], 1)
    row("p99 / p50", sides, lambda run: run["p99_ms"] / max(run["p50_ms"], 0.001), 1)
    print("  CPU µs a request")
    for group, title in GROUPS.items():
        row("  " + title, sides, lambda run: run["cpu_us"][group], 1)
    row("  sum", sides, served_us, 1)
    if PATHS[name].is_fresh:
        row("  S3 store", sides, lambda run: run["cpu_us"]["s3"], 1)
    row("  load generator", sides, lambda run: run["cpu_us"]["generator"], 1)
    print("  context switches a request")
    for group in ("responder", "nginx"):
        row("  " + GROUPS[group], sides, lambda run: run["switches"][group], 2)
    row("  sum", sides, lambda run: sum(run["switches"][group] for group in GROUPS), 2)
    if calls:
        print("  system calls a request")
        for group in ("responder", "nginx", "postgresql", "redis"):
            cells = "".join(f"{calls[side][group]:>26.1f}" for side in SIDES if side in calls)
            print(f"    {GROUPS[group]:<20}{cells}")
    row("resident, MB", sides, lambda run: run["resident_mb"], 1)
    if name == "users":
        row("resident when idle, MB", sides, lambda run: run["idle_mb"], 1)
    say_noise(runs)


def say_noise(runs):
    foreign = statistics.median(run["foreign"] for run in runs)
    if foreign > NOISE_LIMIT:
        print(f"  noisy: other processes took {foreign:.0%} of the machine")


def verdict(text, value, limit, at_least=False):
    met = value >= limit if at_least else value <= limit
    print(f"  {'met' if met else 'NOT met':<8}{text}: {value:.3g}, aim {'≥' if at_least else '≤'} {limit}")


def aims(runs):
    """Of the hit and paced paths, and of the fresh ones where there is a former design."""
    found = {name: by_side(run for run in runs if run["path"] == name) for name in PATHS}

    def median(name, measure):
        return statistics.median(measure(run) for run in found[name]["product"])

    def compared(name, other):
        return statistics.median(ratios(found[name]["product"], found[name][other], lambda run: run["rate"]))

    print("\naims")
    if found["hit"]["product"]:
        verdict("hit, requests/s, of the floor", compared("hit", "floor"), 0.7, True)
        verdict("hit, CPU µs a request, sum", median("hit", served_us), 75)
        verdict("hit, CPU µs a request, responder", median("hit", lambda run: run["cpu_us"]["responder"]), 25)
        verdict("hit, p99 / p50", median("hit", lambda run: run["p99_ms"] / run["p50_ms"]), 4)
        verdict("hit, longest, ms", median("hit", lambda run: run["max_ms"]), 50)
    if found["paced"]["product"]:
        verdict("paced, CPU µs a request, sum", median("paced", served_us), 180)
    if found["users"]["product"]:
        verdict("users, resident when idle, MB", median("users", lambda run: run["idle_mb"]), 30)
    for name in ("hit", "first", "miss"):
        if found[name]["former"]:
            verdict(f"{name}, requests/s, of the former design", compared(name, "former"), 2.0, True)


def paths(runs, calls):
    print("\nmedians (extremes); \"of\" another side: round by round")
    for name in PATHS:
        measured = [run for run in runs if run["path"] == name]
        if measured:
            table(name, measured, calls.get(name))
    aims(runs)


TELEMETRY = {
    "logs": ("a line for each request and all metrics, against the same program without", 1.05),
    "traces": ("1 % of the requests traced, against the same program untraced", 1.02),
}


def telemetry(kind, runs):
    title, limit = TELEMETRY[kind]
    sides = by_side(runs)
    # In the words of `row`.
    sides = {"product": sides["product"], "floor": sides["without"]}
    print(f"\n{title}; hits, 32 connections to both; medians (extremes)")
    head(sides, {"product": "with", "floor": "without"})
    row("requests", sides, lambda run: run["requests"], 0)
    row("responder CPU, µs", sides, lambda run: run["cpu_us"], 1)
    say_noise(runs)
    print("\naims")
    verdict("responder CPU, with/without",
        statistics.median(ratios(sides["product"], sides["floor"], lambda run: run["cpu_us"])), limit)


def caches(runs):
    sides = by_side(runs)
    first = next(iter(sides))
    print("\nhits by the way to the cache; medians, and the ratio to the first, round by round")
    print(f"  {'cache':<8} {'requests/s':>11} {'p50 ms':>7} {'p99 ms':>7} {'responder µs':>13} {'Redis µs':>9}"
        f" {'sum µs':>7} {'MB':>6} {'requests/s of ' + first:>20}")
    for way, own in sides.items():

        def median(measure):
            return statistics.median(measure(run) for run in own)

        print(f"  {way:<8} {median(lambda run: run['rate']):>11,.0f} {median(lambda run: run['p50_ms']):>7.2f} "
              f"{median(lambda run: run['p99_ms']):>7.2f} {median(lambda run: run['cpu_us']['responder']):>13.1f} "
              f"{median(lambda run: run['cpu_us']['redis']):>9.1f} {median(served_us):>7.1f} "
              f"{median(lambda run: run['resident_mb']):>6.1f} "
              f"{spread(ratios(own, sides[first], lambda run: run['rate']), 2):>20}")
    say_noise(runs)


def sweep(runs):
    print("\nhits by NOVATUNE_LOOPS; medians")
    print(
        f"  {'loops':>5} {'requests/s':>11} {'p50 ms':>7} {'p99 ms':>7} {'p99/p50':>8} {'responder µs':>13}"
        f" {'sum µs':>7} {'MB':>6} "
          f"{'of the floor':>13}")
    loops = sorted({run["loops"] for run in runs})
    for count in loops:
        sides = by_side(run for run in runs if run["loops"] == count)
        product = sides["product"]

        def median(measure):
            return statistics.median(measure(run) for run in product)

        print(f"  {count:>5} {median(lambda run: run['rate']):>11,.0f} {median(lambda run: run['p50_ms']):>7.2f} "
              f"{median(lambda run: run['p99_ms']):>7.2f} {median(lambda run: run['p99_ms'] / run['p50_ms']):>8.1f} "
              f"{median(lambda run: run['cpu_us']['responder']):>13.1f} {median(served_us):>7.1f} "
              f"{median(lambda run: run['resident_mb']):>6.1f} "
              f"{statistics.median(ratios(product, sides['floor'], lambda run: run['rate'])):>13.2f}")
    say_noise(runs)
