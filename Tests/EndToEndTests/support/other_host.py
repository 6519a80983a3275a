"""A network namespace, which to a server on this machine is another host."""

import contextlib
import ctypes
import functools
import os
import shutil
import socket
import subprocess
from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000


class OtherHost:
    """Root only. The addresses are for documentation (RFC 5737), so that no network has them."""

    gateway, address = "198.51.100.1", "198.51.100.2"

    def __init__(self):
        self._name = f"nt-{os.getpid()}"
        self._link = f"nt{os.getpid()}"

    @staticmethod
    @functools.cache
    def reason_against():
        """Why this machine can make no other host; empty where it can."""
        if os.geteuid() != 0:
            return "only root can make a network of its own"
        missing = [name for name in ("ip", "iptables") if not shutil.which(name)]
        if missing:
            return f"{' and '.join(missing)}: not installed"
        tried = subprocess.run(["unshare", "--net", "true"], capture_output=True, text=True)
        return "" if tried.returncode == 0 else f"no network namespace is permitted: {tried.stderr.strip()}"

    def __enter__(self):
        self._ip("netns", "add", self._name)
        try:
            self._ip("link", "add", self._link, "type", "veth", "peer", "name", "other", "netns", self._name)
            self._ip("addr", "add", f"{self.gateway}/30", "dev", self._link)
            self._ip("link", "set", self._link, "up")
            self._ip("-n", self._name, "addr", "add", f"{self.address}/30", "dev", "other")
            for link in ("lo", "other"):
                self._ip("-n", self._name, "link", "set", link, "up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        # The kernel ends a namespace, and what is in it, some time later.
        with contextlib.suppress(subprocess.CalledProcessError):
            self._ip("link", "del", self._link)
        self._ip("netns", "del", self._name)

    def connect(self, port):
        """A connection from there to this machine; a socket stays in the namespace that it was made in."""
        with open("/proc/thread-self/ns/net") as own, open(Path("/run/netns") / self._name) as other:
            self._enter(other)
            try:
                connection = socket.socket()
            finally:
                self._enter(own)
        connection.settimeout(20)
        connection.connect((self.gateway, port))
        return connection

    @property
    def command(self):
        """The beginning of a command that runs there."""
        return ["ip", "netns", "exec", self._name]

    def forget(self, ports):
        """Drops what comes from these ports of this machine and what goes to them, as a NAT that has forgotten their
        connections; others pass."""
        for port in ports:
            for chain, direction in (("INPUT", "--sport"), ("OUTPUT", "--dport")):
                self._run(*self.command, "iptables", "-w", "-A", chain, "-p", "tcp", direction, str(port), "-j", "DROP")

    @staticmethod
    def _enter(namespace):
        if LIBC.setns(namespace.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    def _ip(self, *arguments):
        self._run("ip", *arguments)

    @staticmethod
    def _run(*command):
        subprocess.run(command, check=True, capture_output=True, text=True)
