"""Name servers that answer late: what waits for a name waits alone."""

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

from beside import responder_beside
from crowd import Crowd
from harness import process
from harness.waiting import concurrently, wait_for
from harness.wire import API
from health import HealthWatch
from load import all_answered_200, check_kept, rate
from traffic import counts, flaws

DATABASE, STORE = "database.novatune.test", "store.novatune.test"
# A mount namespace of its own, in which the name server is the only one. unshare and sh become the responder, and keep
# its pid.
NAMESPACE = 'mount --bind "$1" /etc/resolv.conf && mount --bind "$2" /etc/nsswitch.conf && shift 2 && exec "$@"'
# How long a lookup waits for one answer: longer than any is late here.
LOOKUP_S = 30
CROWD = 500
# How long the database's name is late once all have noticed; longer than connecting may take.
LATE_S = 5
LONGEST_TURN_MS = 50
# As in the matrix.
RECOVERY_S = 7


class NameServer:
    """name_server.py, and a command that makes a program ask it and no other."""

    def __init__(self, directory):
        directory.mkdir(exist_ok=True)
        self._process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("name_server.py"), DATABASE, STORE], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        address = self._process.stdout.readline().strip()
        resolv, nsswitch = directory / "resolv.conf", directory / "nsswitch.conf"
        resolv.write_text(f"nameserver {address}\noptions timeout:{LOOKUP_S} attempts:1\n")
        nsswitch.write_text("passwd: files\ngroup: files\nhosts: files dns\n")
        self.command = ["unshare", "--mount", "sh", "-c", NAMESPACE, "sh", resolv, nsswitch]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait(10)

    def set(self, name, mode):
        """Returns how often it was asked for the name so far."""
        self._process.stdin.write(f"{name} {mode}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


class Turns:
    """The loop's turns from now on that took too long."""

    def __init__(self, responder):
        self._responder = responder
        tasks = Path(f"/proc/{responder.process.pid}/task")
        self._loops = [task for task in tasks.iterdir() if (task / "comm").read_text().startswith("loop-")]
        self._waited_before, self._seen_before = self._waited_ms(), len(self._logged())

    def _logged(self):
        return [float(event["milliseconds"]) for event in self._responder.events("event loop turn too long")]

    def _waited_ms(self):
        """For a processor (proc(5), schedstat)."""
        return sum(int((loop / "schedstat").read_text().split()[1]) for loop in self._loops) / 1e6

    def judge(self, report, name):
        """A turn that waits for a name takes as long as the answer is late: seconds. One may also take long because the
        machine had no processor for it; that much is let pass."""
        waited, logged = self._waited_ms() - self._waited_before, self._logged()[self._seen_before :]
        longest = max(logged, default=0)
        report.note(
            f"{len(logged)} turns logged as too long, the longest {longest:.0f} ms; the loop waited {waited:.0f} ms"
            f" for a processor")
        report.check(
            f"{name}: no turn of the loop longer than {LONGEST_TURN_MS} ms and the {waited:.0f} ms without a"
            f" processor: {longest:.0f} ms",
            longest - waited < LONGEST_TURN_MS)


def resolver(bench, report, options):
    if os.geteuid() != 0:
        report.note("left out: only root may listen on port 53 and mount")
        return
    bench.responder_with()
    with NameServer(bench.stack.state / "resolver") as server:
        check_kept(report, lambda: late_store(bench, report, server))
        late_database(bench, report, server)


def settings(bench):
    """As `Bench.responder_with` has them, by name instead of address."""
    ports = bench.proxies.ports
    return {
        "NOVATUNE_DATABASE_URL": f"host={DATABASE} port={ports['database']} user=novatune_responder dbname=novatune"
        f" password={bench.stack['PG_PASSWORD']}",
        "NOVATUNE_S3_ENDPOINT": f"http://{STORE}:{ports['store']}",
        "NOVATUNE_S3_PUBLIC_ENDPOINT": bench.stack["S3_ENDPOINT"],
        "NOVATUNE_CACHE_URL": bench.stack["CACHE_URL"], "NOVATUNE_PRESIGN_EXPIRY": "7200s",
    }


def late_store(bench, report, server):
    """A responder that begins while its store's name cannot be resolved. Requests that need the store wait, as many as
    there are, and hits do not notice. Returns the ratio of the hits' throughput with them to that without."""
    name, asked_before = "store's name late", server.set(STORE, "hold")
    # As where the store is silent: neither breaker nor time limits end the waiting.
    patient = {"NOVATUNE_BREAKER_FAILURES": "1000", "NOVATUNE_S3_TIMEOUT": "14s", "NOVATUNE_REQUEST_TIMEOUT": "14s"}
    began = time.monotonic()
    with responder_beside(bench, "resolver", server.command, **settings(bench), **patient) as (responder, base_url):
        process.let_open_many(responder.process.pid)
        stream = f"/tracks/{bench.hits[0][0]}/stream"
        watched = {"/healthz": {200}, "/readyz": {503}, "/metrics": {200}, stream: {401}}
        api, waiting = API(base_url), lambda: bench.metric("novatune_object_store_calls_waiting", base_url)
        statuses = set(concurrently(len(bench.hits), lambda at: api.stream(*bench.hits[at]).status, 8))
        report.check(f"hits need no store: {statuses}", statuses == {200})
        turns = Turns(responder)
        with HealthWatch(base_url, tuple(watched)) as health:
            # What has just begun is slower at first.
            bench.load(1, base_url=base_url)
            usual = rate(bench.load(2, base_url=base_url))
            with Crowd(str(responder.stream_socket), [next(bench.misses) for _ in range(CROWD)]) as crowd:
                crowd.send()
                with contextlib.suppress(AssertionError):
                    wait_for(lambda: waiting() == CROWD, 5)
                taken_up = time.monotonic()
                result = bench.load(2, base_url=base_url)
                still = waiting()
                released = time.monotonic()
                asked = server.set(STORE, "answer") - asked_before
                answers = crowd.answers()
            wait_for(lambda: api.request("GET", "/readyz").status == 200, 15, "/readyz")
        turns.judge(report, name)
        report.check("the name server was asked", asked > 0)
        report.check(f"{CROWD} requests wait until the name server answers, not {still:.0f}", still == CROWD)
        report.check("no hit was refused", all_answered_200(result))
        served = sum(answer.status == 200 for answer in answers)
        report.check(f"the waiting requests are answered once it answers: {served} of {CROWD}", served == CROWD)
        report.check("no waiting request is answered before", all(answer.at >= released for answer in answers))
        health.judge(report, name)
        judge_watched(report, health, watched, taken_up, released)
    ratio = rate(result) / usual
    report.note(
        f"hits: {usual:,.0f}/s without, {rate(result):,.0f}/s with {CROWD} that wait for the store's name, ratio"
        f" {ratio:.2f}; the name"
                f" {released - began:.0f} s late, all served {max(answer.at for answer in answers) - released:.1f} s"
                f" after that")
    return ratio


def late_database(bench, report, server):
    """The database's connections break while its name server is silent: no new one can be made, and what needs none
    goes on."""
    with responder_beside(bench, "resolver", server.command, **settings(bench)) as (responder, base_url):
        stream = f"/tracks/{bench.hits[0][0]}/stream"
        watched = {"/healthz": {200}, "/readyz": {503}, "/metrics": {200}, stream: {401}}
        with bench.traffic(base_url) as traffic:
            wait_for(lambda: traffic.recovered_at(0), 30, "traffic without a fault")
            turns = Turns(responder)
            asked_before = server.set(DATABASE, "hold")
            began = time.monotonic()
            bench.proxies.set("database", "reset")
            # Reachable again, for a client that knows where.
            bench.proxies.set("database", "pass")
            # Answers that were under way still come.
            is_down = lambda: set(counts(traffic.samples(time.monotonic() - 0.5))) == {503}
            wait_for(lambda: is_down() and API(base_url).request("GET", "/readyz").status
                == 503, 10, "an outage that all see")
            down = time.monotonic()
            with HealthWatch(base_url, tuple(watched)) as health:
                time.sleep(LATE_S)
            ended = time.monotonic()
            asked = server.set(DATABASE, "answer") - asked_before
            well = wait_for(lambda: traffic.recovered_at(ended), 45, "recovery")
        samples = traffic.samples(began, ended)
        report.header()
        report.row(f"database's name {ended - began:.0f} s late", samples, well - ended)
        turns.judge(report, "database's name late")
        report.check("the name server was asked", asked > 0)
        found = flaws(samples)
        report.check(
            f"only 200 or 503: {found}, {dict(counts(samples))}", not found and set(counts(samples)) <= {200, 503})
        # Not what is under way when the name server answers: that may be the request that finds it well.
        without = {sample.status for sample in traffic.samples(down, ended) if sample.ended < ended}
        report.check(f"no request succeeds without the database: {without}", without == {503})
        report.check(f"recovered within {RECOVERY_S} s: {well - ended:.2f} s", well - ended < RECOVERY_S)
        health.judge(report, "database's name late")
        judge_watched(report, health, watched, down, ended)


def judge_watched(report, health, watched, since, until):
    words = [word for word in health.words if since <= word.at < until]
    for path, statuses in watched.items():
        seen = {word.status for word in words if word.path == path}
        report.check(f"{path} always answers {statuses}, not {seen}", seen == statuses)
        slowest = max((word.milliseconds for word in words if word.path == path), default=float("inf"))
        report.check(f"{path} within 100 ms: {slowest:.0f} ms at worst", slowest < 100)
