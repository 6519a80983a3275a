"""What the hosts share, on machines of its own: PostgreSQL with a standby, a Redis Cluster, two gateways of one object
store."""

import contextlib
import os
import subprocess

import psycopg

from harness import database_server, redis_server
from harness.database_server import OWNER, ROLE, Standby
from harness.redis_server import CLUSTER_NODE, RedisServer
from harness.waiting import wait_for
from harness.wire import API

DATABASE_PORT, CACHE_PORTS, STORE_PORT = 5432, (6379, 6380), 8000


class Databases:
    """A primary, and a standby without which it reports no commit: what was committed outlives the loss of either."""

    def __init__(self, stack, machines, directory):
        self._machines, self._directory, self._count = machines, directory, 0
        self.primary = self._server(database_server.address(stack), machines[0])
        database_server.catch_up(stack, self.primary)
        self.primary.promote()
        self._primary_machine, self._standby_machine = machines
        self._follow()

    def _server(self, source, machine):
        """A copy of another one, on the machine."""
        self._count += 1
        directory = self._directory / f"database-{self._count}"
        directory.mkdir(mode=0o700)
        if account := database_server.account():
            os.chown(directory, account["user"], account["group"])
        return Standby(
            source, directory, listen=machine.address, command=machine.command, port=DATABASE_PORT)

    def _follow(self):
        self.standby = self._server((self._primary_machine.address, DATABASE_PORT), self._standby_machine)
        self.primary("alter system set synchronous_standby_names = '*'")
        self.primary("select pg_reload_conf()")
        following = "select count(*) from pg_stat_replication where sync_state = 'sync'"
        wait_for(lambda: self.primary(following) == [(1,)], 20, "the standby")

    @property
    def url(self):
        """Of the hosts' responders."""
        addresses = ",".join(machine.address for machine in self._machines)
        return f"host={addresses} port={DATABASE_PORT} user={ROLE} dbname=novatune target_session_attrs=primary"

    def connect(self):
        """A connection of the owner to the primary, wherever that is; not by the network, which may be cut."""
        hosts = ",".join(str(server.directory) for server in (self.primary, self.standby))
        return psycopg.connect(
            f"host={hosts} port={DATABASE_PORT} user={OWNER} dbname=novatune target_session_attrs=read-write",
            autocommit=True, connect_timeout=2)

    def lose_primary(self):
        self._primary_machine.lose()
        self.primary.kill()

    def promote(self):
        self.standby.promote()

    def restore(self):
        """The lost machine comes back as the standby of what was promoted."""
        self._primary_machine.restore()
        self._primary_machine, self._standby_machine = self._standby_machine, self._primary_machine
        self.primary = self.standby
        self._follow()

    def stop(self):
        for server in (self.standby, self.primary):
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.stop()


class CacheCluster:
    """Three masters, and a replica of each on another machine."""

    def __init__(self, machines, directory):
        self._machines, self._directory, self.nodes = machines, directory, []
        for port in CACHE_PORTS:
            self.nodes += [self._node(machine, port) for machine in machines]
        redis_server.form_cluster(self.nodes, replicas=1)

    def _node(self, machine, port):
        # It has no password, and serves other hosts all the same.
        return RedisServer(
            self._directory / f"{machine.name}-{port}", *CLUSTER_NODE, "--protected-mode", "no", host=machine.address,
            port=port, command=machine.command)

    @property
    def url(self):
        return "redis+cluster://" + ",".join(f"{machine.address}:{CACHE_PORTS[0]}" for machine in self._machines)

    def is_whole(self):
        return redis_server.is_whole(self.nodes, len(self._machines))

    def lose_machine_of_a_master(self):
        """With every node of it."""
        machine = next(
            machine for machine in self._machines
            if any(node.host == machine.address and node.is_master() for node in self.nodes))
        machine.lose()
        for node in self._nodes_of(machine):
            node.kill()
        return machine

    def _nodes_of(self, machine):
        return [node for node in self.nodes if node.host == machine.address]

    def has_replaced(self, machine):
        rest = [node for node in self.nodes if node.host != machine.address]
        return redis_server.is_whole(rest, len(self._machines))

    def restore(self, machine):
        machine.restore()
        for at, node in enumerate(self.nodes):
            if node.host == machine.address:
                self.nodes[at] = self._node(machine, node.port)
        wait_for(self.is_whole, 30, "the cluster")

    def stop(self):
        for node in self.nodes:
            node.stop()


class Store:
    """A gateway of the stack's Ceph cluster."""

    def __init__(self, stack, machine, directory):
        self._state, self.machine, self._directory = stack.state, machine, directory / machine.name
        self._directory.mkdir()
        self.start()

    @property
    def address(self):
        return f"{self.machine.address}:{STORE_PORT}"

    def start(self):
        log = open(self._directory / "log", "ab")
        self._process = subprocess.Popen(
            [*self.machine.command, "radosgw", "-f", "-n", "client.rgw", f"--rgw_data={self._directory}",
             f"--rgw_frontends=beast endpoint={self.address} tcp_nodelay=1"],
            env=os.environ | {"CEPH_CONF": str(self._state / "s3/ceph.conf")}, stdin=subprocess.DEVNULL, stdout=log,
            stderr=log)
        wait_for(self._answers, 60, "the object store")

    def _answers(self):
        assert self._process.poll() is None, (self._directory / "log").read_text()[-2000:]
        with contextlib.suppress(OSError):
            return API(f"http://{self.address}").request("GET", "/swift/healthcheck", timeout=2).status == 200

    def lose(self):
        self.machine.lose()
        self._process.wait()

    def restore(self):
        self.machine.restore()
        self.start()
