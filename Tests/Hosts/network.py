"""Machines on one network: network namespaces, each with an address on a bridge.

All of it is inside the network, mount and process namespaces that `run` makes for itself, and vanishes with them.
"""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

BRIDGE, PREFIX, OWN_ADDRESS = "machines", 24, "10.21.0.1"


def execute(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(map(str, command))}: {done.stderr.strip()}"
    return done.stdout


def make_network():
    """The bridge, on which those who ask have an address, too."""
    # Names of namespaces are files; these are seen by no other process.
    os.makedirs("/run/netns", exist_ok=True)
    execute("mount", "-t", "tmpfs", "machines", "/run/netns")
    execute("ip", "link", "set", "lo", "up")
    make_bridge(BRIDGE)
    execute("ip", "addr", "add", f"{OWN_ADDRESS}/{PREFIX}", "dev", BRIDGE)


def make_bridge(name):
    execute("ip", "link", "add", name, "type", "bridge")
    execute("ip", "link", "set", name, "up")


class Machine:
    def __init__(self, name, *addresses):
        self.name, self.address = name, addresses[0]
        self.command = ["ip", "netns", "exec", name]
        self._link, self._delaying = f"to-{name}", None
        execute("ip", "netns", "add", name)
        execute("ip", "link", "add", self._link, "type", "veth", "peer", "name", "net", "netns", name)
        execute("ip", "link", "set", self._link, "master", BRIDGE, "up")
        for address in addresses:
            execute("ip", "-n", name, "addr", "add", f"{address}/{PREFIX}", "dev", "net")
        for link in ("lo", "net"):
            execute("ip", "-n", name, "link", "set", link, "up")

    def processes(self):
        return [int(pid) for pid in execute("ip", "netns", "pids", self.name).split()]

    def _signal(self, number, pids):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def lose(self):
        """As a power cut: every process ends with SIGKILL, and the machine is no more on the network."""
        execute("ip", "link", "set", self._link, "down")
        self._signal(signal.SIGKILL, self.processes())

    def restore(self):
        execute("ip", "link", "set", self._link, "up")

    @contextlib.contextmanager
    def cut_from(self, *addresses):
        """Packets between the two vanish, without a word to either side."""
        rules = [(chain, way, address) for address in addresses for chain, way in (("INPUT", "-s"), ("OUTPUT", "-d"))]
        for rule in rules:
            self._rule("-I", *rule)
        try:
            yield
        finally:
            for rule in rules:
                self._rule("-D", *rule)

    def _rule(self, verb, chain, way, address):
        execute(*self.command, "iptables", "-w", verb, chain, way, address, "-j", "DROP")

    @contextlib.contextmanager
    def losing(self, share):
        """A share of the packets that arrive here or leave is lost."""
        if has_netem():
            with self._netem("loss", f"{share:.2%}"):
                yield
            return
        lost = ["-m", "statistic", "--mode", "random", "--probability", str(share), "-j", "DROP"]
        for chain in ("INPUT", "OUTPUT"):
            execute(*self.command, "iptables", "-w", "-I", chain, *lost)
        try:
            yield
        finally:
            for chain in ("INPUT", "OUTPUT"):
                execute(*self.command, "iptables", "-w", "-D", chain, *lost)

    @contextlib.contextmanager
    def delayed(self, milliseconds):
        """What leaves the machine takes so much longer; without netem what leaves and what arrives, a half each."""
        if has_netem():
            with self._netem("delay", f"{milliseconds}ms"):
                yield
            return
        far = f"far-{self.name}"
        make_bridge(far)
        process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("delay.py"), str(milliseconds / 2), far, BRIDGE],
            stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "ready\n"
        execute("ip", "link", "set", self._link, "master", far)
        try:
            yield
        finally:
            execute("ip", "link", "set", self._link, "master", BRIDGE)
            process.kill()
            process.wait()
            execute("ip", "link", "del", far)

    @contextlib.contextmanager
    def _netem(self, *what):
        execute("tc", "-n", self.name, "qdisc", "add", "dev", "net", "root", "netem", *what)
        try:
            yield
        finally:
            execute("tc", "-n", self.name, "qdisc", "del", "dev", "net", "root")

    @contextlib.contextmanager
    def stopped(self):
        """Its processes get no processor time; the network answers in their place."""
        pids = self.processes()
        self._signal(signal.SIGSTOP, pids)
        try:
            yield
        finally:
            self._signal(signal.SIGCONT, pids)


def has_netem():
    """Not every kernel has it."""
    device = ("dev", "lo", "root", "netem")
    if subprocess.run(["tc", "qdisc", "add", *device, "delay", "0ms"], capture_output=True).returncode != 0:
        return False
    execute("tc", "qdisc", "del", *device)
    return True
