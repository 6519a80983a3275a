"""Garnet beside the stack's own server of the cache. The program is the one that the stack was started with."""

import subprocess

from harness.nginx import free_port
from harness.waiting import wait_for


class Garnet:
    """Starts, and runs until `stop`."""

    def __init__(self, program, directory, *options, login=()):
        """`login` are arguments that authenticate redis-cli."""
        self.port, self._login = free_port(), login
        self.place = f"127.0.0.1:{self.port}"
        self._log = directory / "garnet.log"
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(
                [program, "-q", "--bind", "127.0.0.1", "--port", str(self.port), "--memory", "64m", "--index", "4m",
                 "--index-max-size", "16m", "--device-type", "FileStream", "--checkpointdir", directory, *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def wait(self):
        """Until it answers."""
        wait_for(lambda: self.cli("ping") == "PONG" or self._process.poll() is not None, 30, "Garnet")
        assert self._process.poll() is None, self._log.read_text()
        return self

    def cli(self, *arguments):
        done = subprocess.run(
            ["redis-cli", "-p", str(self.port), *self._login, *map(str, arguments)], capture_output=True, text=True,
            timeout=20)
        return done.stdout.strip()

    def stop(self):
        self._process.kill()
        self._process.wait()


def make_cluster(nodes):
    """Of nodes that were started with --cluster: each is a master of its share of the slots."""
    done = subprocess.run(
        ["redis-cli", "--cluster", "create", *(node.place for node in nodes), "--cluster-yes"], capture_output=True,
        text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    wait_for(lambda: all("cluster_state:ok" in node.cli("cluster", "info") for node in nodes), 30, "the cluster")
