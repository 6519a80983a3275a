"""All machines and servers, and rows of the table."""

import contextlib
import time
from pathlib import Path

from harness.stack import running
from harness.traffic import Traffic
from harness.waiting import wait_for
from network import Machine, OWN_ADDRESS, make_network
from people import People
from revocations import Revocations
from servers import CacheCluster, Databases, Store, STORE_PORT
from service import Balancer, HTTP_PORT, Host
from verdict import Verdict

NETWORK = OWN_ADDRESS.rpartition(".")[0]
STORE_ADDRESS = f"{NETWORK}.40"
# As many as the longest stall of a third of the requests may keep.
CONNECTIONS = 96
# How long all must be well before a fault, and until they are after it.
SETTLED, LONGEST_S = 200, 60


def machines(name, first, count):
    return [Machine(f"{name}{number + 1}", f"{NETWORK}.{first + number}") for number in range(count)]


class Bench:
    def __init__(self, state, binary, balancer, rate, report):
        self._state, self._binary, self._configuration = state, binary, balancer
        self._rate, self._report = rate, report

    def __enter__(self):
        make_network()
        with contextlib.ExitStack() as held:
            self.stack = held.enter_context(running(self._state, self._binary))
            # What PostgreSQL's account must reach is where the stack has it; logs stay in the state directory.
            shared, directory = Path(self.stack["RUN_DIR"]), self.stack.state / "machines"
            directory.mkdir()
            self.balancer_machine = Machine("balancer", f"{NETWORK}.10", STORE_ADDRESS)
            host_machines = machines("host", 11, 3)
            self.database_machines, self.cache_machines = machines("database", 21, 2), machines("cache", 31, 3)
            self.people = People(self.stack)
            self.stores = [Store(self.stack, machine, directory) for machine in machines("store", 41, 2)]
            self.databases = Databases(self.stack, self.database_machines, shared)
            held.callback(self.databases.stop)
            self.cache = CacheCluster(self.cache_machines, shared)
            held.callback(self.cache.stop)
            self.balancer = Balancer(
                self._configuration, self.balancer_machine, STORE_ADDRESS, directory,
                [f"{machine.address}:{HTTP_PORT}" for machine in host_machines],
                [store.address for store in self.stores])
            endpoint = f"http://{STORE_ADDRESS}:{STORE_PORT}"
            self.hosts = [
                Host(
                    self.stack, machine, directory, self.balancer_machine, NOVATUNE_DATABASE_URL=self.databases.url,
                    NOVATUNE_CACHE_URL=self.cache.url, NOVATUNE_S3_ENDPOINT=endpoint)
                for machine in host_machines]
            wait_for(self.balancer.all_up, 20, "HAProxy's checks of all servers")
            self._held = held.pop_all()
        return self

    def __exit__(self, *_):
        self._held.close()

    @contextlib.contextmanager
    def row(self, name, is_planned=False):
        """Traffic around a fault, which is the block, and its line; afterwards all are well again."""
        with contextlib.ExitStack() as held:
            traffic = held.enter_context(Traffic(
                self.balancer.api, self.people.requests(), CONNECTIONS, rate=self._rate))
            revocations = held.enter_context(Revocations(self.balancer.api, self.people, self.databases))
            wait_for(lambda: is_well(traffic, 0), LONGEST_S, f"{name}: traffic without a fault")
            began = time.monotonic()
            yield
            wait_for(self.balancer.all_up, LONGEST_S, f"{name}: all servers up")
            ended = time.monotonic()
            wait_for(lambda: is_well(traffic, ended), LONGEST_S, f"{name}: traffic after the fault")
        self._report.row(name, Verdict(traffic.samples(), revocations.seen, began), is_planned)


def is_well(traffic, since):
    """Whether the last requests all had the answers that they would have without a fault."""
    samples = traffic.samples(since)
    return len(samples) >= SETTLED and all(sample.status in (200, 403, 429) for sample in samples[-SETTLED:])
