"""The kinds of measurement: each path, the chart, numbers of loops, and what telemetry costs."""

import json
import re
import urllib.request

import caches
import chart
import measure
import report
from harness.wire import API
from measure import PATHS
from programs import fail, say


def same_job(sides, servers):
    """All must give the same answer, with a URL that works, or they do not do the same job."""
    seen = set()
    for side in sides:
        answer = API(f"http://127.0.0.1:{side.address()}").stream(servers["TRACK_READY"], servers["TOKEN_ALICE"])
        if answer.status != 200:
            fail(f"{side.name}: {answer}")
        body = answer.json()
        with urllib.request.urlopen(
            urllib.request.Request(body["streamUrl"], headers={"Range": "bytes=0-1"}), timeout=10) as audio:
            if audio.status != 206:
                fail(f"{side.name}: no URL that works in {body}")
        # What may differ: the moment of signing.
        body["streamUrl"] = re.sub(r"(X-Amz-Date|X-Amz-Signature)=\w+", "", body["streamUrl"])
        del body["expiresAt"]
        seen.add(json.dumps(body, sort_keys=True))
    if len(seen) > 1:
        fail(f"the answers differ: {seen}")


class Results:
    def __init__(self, state):
        self._file = state / "results.jsonl"
        self._file.write_text("")
        self.runs = []

    def add(self, run, quiet=False):
        self.runs.append(run)
        with open(self._file, "a") as file:
            file.write(json.dumps(run) + "\n")
        if not quiet:
            say("{path:<6}{side:<9}{rate:>8,.0f} requests/s  p50 {p50_ms:7.2f}  p99 {p99_ms:8.2f}  longest"
                " {max_ms:8.2f} ms  "
                "responder {us:6.1f} µs  others {foreign:.0%}".format(us=run["cpu_us"]["responder"], **run))


def measure_paths(bench, all_sides, chosen, results):
    calls = {}
    for name in (name for name in PATHS if name in chosen.paths):
        sides = [side for side in all_sides if side.name not in PATHS[name].without]
        for side in sides:
            # 429 leaves users without an allowance.
            side.restart(**side.loop_settings)
            if not PATHS[name].is_fresh:
                bench.warm(side, name)
        for _ in range(chosen.rounds):
            for side in sides:
                if PATHS[name].is_fresh:
                    bench.warm(side, name)
                results.add(bench.run(side, name, chosen.seconds))
        counted = {}
        for side in sides:
            if PATHS[name].is_fresh:
                bench.warm(side, name)
            counted[side.name] = bench.system_calls(side, name)
        if None not in counted.values():
            calls[name] = counted
    if any(run["path"] != "chart" for run in results.runs):
        report.paths(results.runs, calls)


def measure_chart(bench, sides, chosen, state):
    for side in sides:
        side.restart(**side.loop_settings)
        bench.warm(side, "hit")
    results = Results(state / "chart")
    for _ in range(chosen.rounds):
        for rate in chosen.rates:
            for side in sides:
                results.add(bench.run(side, "hit", max(1, chosen.seconds // 2), rate=rate, connections=64), quiet=True)
        say("chart: a round of all rates")
    names = {
        "product": "this commit", "floor": "floor: an event loop in C", "former": f"former design ({chosen.against})"}
    file = state / "chart.svg"
    file.write_text(chart.draw(results.runs, {side.name: names[side.name] for side in sides}))
    print(f"\nchart: {file}")


def measure_sweep(bench, sides, chosen, results):
    product, floor = (side for side in sides if side.name != "former")
    bench.warm(floor, "hit")
    for _ in range(chosen.rounds):
        for count in chosen.sweep:
            product.loop_settings = {"NOVATUNE_LOOPS": str(count)}
            product.restart(**product.loop_settings)
            bench.warm(product, "hit")
            for side in (product, floor):
                results.add(bench.run(side, "hit", chosen.seconds) | {"loops": count})
    report.sweep(results.runs)


def measure_caches(bench, sides, chosen, servers, state, results):
    [product] = sides
    ways = caches.settings(servers, state)
    for _ in range(chosen.rounds):
        for way in caches.WAYS:
            product.restart(**ways[way])
            bench.warm(product, "hit")
            results.add(bench.run(product, "hit", chosen.seconds) | {"side": way})
    report.caches(results.runs)


def measure_telemetry(bench, sides, chosen, results):
    port, nginx = sides[0].start_nginx("nginx-shared", sides, measure.UNLIMITED)
    sides[0].nginx["shared"] = port, nginx
    for side in sides:
        bench.warm(side, "hit")
    log = sides[0].directory / "nginx-shared/access.log"
    for number in range(chosen.rounds):
        for run in measure.side_by_side(bench, sides, port, nginx.pid, log, chosen.seconds):
            results.add(run, quiet=True)
        product, rival = results.runs[-2:]
        say(f"round {number + 1}: with {product['cpu_us']:.1f} µs, without {rival['cpu_us']:.1f} µs, "
            f"ratio {product['cpu_us'] / rival['cpu_us']:.3f}, others {product['foreign']:.0%}")
    report.telemetry(chosen.telemetry, results.runs)
