"""What is done to the machines. Each scenario leaves them as it found them."""

import contextlib
import time

from bench import STORE_ADDRESS
from harness.shifted_clock import shifted_clock
from harness.waiting import wait_for

# A clock so far off leaves a URL most of its life.
SKEW_S = 30
DELAY_MS, LOSS = 200, 0.01


def baseline(bench, seconds):
    with bench.row("baseline", is_planned=True):
        time.sleep(seconds)


def upgrade(bench, seconds):
    """nginx and responder of one host after the other end and start."""
    with bench.row("rolling upgrade", is_planned=True):
        for host in bench.hosts:
            bench.balancer.drain(host)
            host.stop()
            host.start()
            wait_for(host.is_ready, 20, f"{host.name} ready")
            bench.balancer.use(host)
            time.sleep(seconds)


def host_lost(bench, seconds):
    for host in bench.hosts:
        with bench.row(f"{host.name} lost, and back"):
            host.lose()
            time.sleep(seconds)
            host.restore()


def partitions(bench, seconds):
    host = bench.hosts[0].machine
    addresses = lambda machines: [machine.address for machine in machines]
    links = {
        "the databases": addresses(bench.database_machines), "the caches": addresses(bench.cache_machines),
        "the store": [STORE_ADDRESS]}
    for name, far in links.items():
        with bench.row(f"{host.name} cut from {name}"), host.cut_from(*far):
            time.sleep(seconds)
    with bench.row(f"balancer cut from {host.name}"), bench.balancer_machine.cut_from(host.address):
        time.sleep(seconds)


def database(bench, seconds):
    """Twice: each of the two is lost once."""
    for _ in range(2):
        with bench.row("primary lost, standby promoted"):
            bench.databases.lose_primary()
            bench.databases.promote()
            time.sleep(seconds)
            bench.databases.restore()


def cluster(bench, seconds):
    with bench.row("machine of a cache's master lost"):
        machine = bench.cache.lose_machine_of_a_master()
        wait_for(lambda: bench.cache.has_replaced(machine), 30, "another master")
        time.sleep(seconds)
        bench.cache.restore(machine)


def clock(bench, seconds):
    host = bench.hosts[1]
    for skew in (SKEW_S, -SKEW_S):
        with bench.row(f"clock of {host.name} wrong by {skew:+d} s"):
            bench.balancer.drain(host)
            host.stop()
            with shifted_clock(skew) as variables:
                host.start(**variables)
                bench.balancer.use(host)
                time.sleep(seconds)
                bench.balancer.drain(host)
                host.stop()
            host.start()
            bench.balancer.use(host)


def slow(bench, seconds):
    host = bench.hosts[1].machine
    with bench.row(f"{host.name} {DELAY_MS} ms away"), host.delayed(DELAY_MS):
        time.sleep(seconds)
    with bench.row(f"{host.name} stopped"), host.stopped():
        time.sleep(seconds)


def loss(bench, seconds):
    with bench.row(f"{LOSS:.0%} of each host's packets lost"), contextlib.ExitStack() as held:
        for host in bench.hosts:
            held.enter_context(host.machine.losing(LOSS))
        time.sleep(seconds)


def store(bench, seconds):
    for store in bench.stores:
        with bench.row(f"{store.machine.name} lost, and back"):
            store.lose()
            time.sleep(seconds)
            store.restore()


SCENARIOS = {
    "baseline": baseline, "upgrade": upgrade, "host-lost": host_lost, "partitions": partitions, "database": database,
    "cluster": cluster, "clock": clock, "slow": slow, "loss": loss, "store": store}
