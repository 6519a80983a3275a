"""Redis servers beside the stack's own: one alone, a cluster, and a master with its replica and sentinels."""

import contextlib
import random
import socket
import subprocess

from harness.waiting import wait_for


# Options of a node whose loss is noticed within a second, and whose replica may take over whatever it lacks.
CLUSTER_NODE = ("--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--cluster-replica-validity-factor", "0")


class RedisServer:
    """Runs from its start until `stop`. `options` are those of redis-server; `configuration` is the text of its file.
    `answers` is its answer to PING; None where it may be an error.

    `command` starts it, for example in a network namespace where it has the address `host`. `login` are arguments that
    authenticate redis-cli.
    """

    def __init__(
            self, directory, *options, host="127.0.0.1", port=None, configuration=None, command=(), login=(),
            answers="PONG"):
        directory.mkdir(exist_ok=True)
        self.directory, self.host, self.port, self._login = directory, host, port or server_port(), login
        file = []
        if configuration is not None:
            file = [directory / "redis.conf"]
            file[0].write_text(configuration)
        self._process = subprocess.Popen(
            [*command, "redis-server", *file, "--bind", host, "--port", str(self.port), "--unixsocket",
             directory / "socket", "--dir", directory, "--logfile", directory / "log", "--save", "", *options],
            stdin=subprocess.DEVNULL)
        is_up = lambda: self.cli("ping") == answers if answers else self.cli("ping") != ""
        wait_for(lambda: is_up() or self._process.poll() is not None, 10, "Redis")
        assert self._process.poll() is None, (directory / "log").read_text()

    @property
    def address(self):
        return f"{self.host}:{self.port}"

    def cli(self, *arguments):
        """What redis-cli prints, by the unix socket."""
        done = subprocess.run(
            ["redis-cli", "-s", self.directory / "socket", *self._login, *map(str, arguments)], capture_output=True,
            text=True, timeout=10)
        return done.stdout.strip()

    def is_master(self):
        return self.cli("role").startswith("master")

    def kill(self):
        """As the loss of its host: nothing is saved, no other server is informed."""
        self._process.kill()
        self._process.wait()

    def stop(self):
        self._process.terminate()
        self._process.wait(10)


@contextlib.contextmanager
def cluster(directory, masters=3, replicas=1):
    """Yields the nodes: masters, and `replicas` of each."""
    with contextlib.ExitStack() as running:
        nodes = []
        for number in range(masters * (1 + replicas)):
            nodes.append(RedisServer(directory / f"node-{number}", *CLUSTER_NODE))
            running.callback(nodes[-1].stop)
        form_cluster(nodes, replicas)
        yield nodes


def form_cluster(nodes, replicas):
    """Of nodes that are no cluster yet: masters, and `replicas` of each."""
    done = subprocess.run(
        ["redis-cli", "--cluster", "create", *(node.address for node in nodes), "--cluster-replicas", str(replicas),
         "--cluster-yes"],
        capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    wait_for(lambda: is_whole(nodes, len(nodes) // (1 + replicas)), 30, "the cluster")


def is_whole(nodes, masters):
    """Whether each node knows of a master for each slot, and the rest of them are replicas."""
    is_served = lambda node: "cluster_state:ok" in node.cli("cluster", "info")
    return all(map(is_served, nodes)) and [node.is_master() for node in nodes].count(True) == masters


def join(nodes, joined, slots):
    """Makes a server a master of the nodes' cluster, and moves that many slots to it with their entries."""
    node, name = nodes[0], joined.cli("cluster", "myid")

    def manage(*arguments):
        done = subprocess.run(
            ["redis-cli", "--cluster", *map(str, arguments)], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout[-1000:] + done.stderr
        return done.stdout

    manage("add-node", joined.address, node.address)
    wait_for(lambda: all(name in one.cli("cluster", "nodes") for one in nodes), 30, "the new node at each other")
    wait_for(lambda: "cluster_state:ok" in joined.cli("cluster", "info"), 30, "the cluster at the new node")
    manage(
        "reshard", node.address, "--cluster-from", "all", "--cluster-to", name, "--cluster-slots", slots,
        "--cluster-yes")


@contextlib.contextmanager
def sentinel_group(directory, name, sentinels=3):
    """Yields a master, its replica, and sentinels that call the master `name`."""
    with contextlib.ExitStack() as running:

        def start(kind, *options, configuration=None):
            server = RedisServer(directory / kind, *options, configuration=configuration)
            running.callback(server.stop)
            return server

        master = start("master")
        replica = start("replica", "--replicaof", master.host, str(master.port))
        wait_for(lambda: "master_link_status:up" in replica.cli("info", "replication"), 20, "the replica")
        configuration = (
            f"sentinel monitor {name} {master.host} {master.port} {sentinels // 2 + 1}\n"
            f"sentinel down-after-milliseconds {name} 500\nsentinel failover-timeout {name} 3000\n")
        watching = [
            start(f"sentinel-{number}", "--sentinel", configuration=configuration) for number in range(sentinels)]
        knows_all = lambda sentinel: (
            f"sentinels={sentinels}" in sentinel.cli("info", "sentinel")
            and "slaves=1" in sentinel.cli("info", "sentinel"))
        wait_for(lambda: all(map(knows_all, watching)), 30, "the sentinels")
        yield master, replica, watching


def server_port():
    """Nodes of a cluster use a second port, which is higher by 10,000. Both are below the range from which the kernel
    gives ports to clients, so that no connection takes one meanwhile."""
    while True:
        port = random.randint(10_000, 22_000)
        if is_free(port) and is_free(port + 10_000):
            return port


def is_free(port):
    with contextlib.suppress(OSError), socket.socket() as probe:
        probe.bind(("127.0.0.1", port))
        return True
    return False
