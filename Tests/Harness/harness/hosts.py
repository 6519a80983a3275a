"""Host names that one program knows: in a mount namespace of its own, /etc/hosts is a file of the test."""

import functools
import os
import subprocess

# unshare and sh become the program, and keep its pid.
NAMESPACE = 'mount --bind "$1" /etc/hosts && shift && exec "$@"'


class Hosts:
    """Root only. Names lead to IPv4 addresses, by `set`, also while the program runs."""

    def __init__(self, directory):
        self._file, self._names = directory / "hosts", {}
        self.command = ["unshare", "--mount", "sh", "-c", NAMESPACE, "sh", str(self._file)]
        self.set("localhost", "127.0.0.1")

    @staticmethod
    @functools.cache
    def reason_against():
        """Why this machine gives a program no names of its own; empty where it does."""
        if os.geteuid() != 0:
            return "only root can make a mount namespace"
        tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True, text=True)
        return "" if tried.returncode == 0 else f"no mount namespace is permitted: {tried.stderr.strip()}"

    def set(self, name, address):
        self._names[name] = address
        # In place: another file would not be the one that is mounted.
        self._file.write_text("".join(f"{address} {name}\n" for name, address in self._names.items()))
