"""TCP connections of a process, as the kernel shows them (proc(5), /proc/PID/net/tcp)."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

ESTABLISHED, KEEPALIVE = "01", "02"


@dataclass(frozen=True)
class Connection:
    local_port: int
    # Seconds until the next keepalive probe; None where another timer runs, or none.
    probe_in: float | None


def connections(pid, port):
    """Established ones to that port, of IPv4."""
    own, found = inodes(pid), []
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        local, remote = (int(address.rpartition(":")[2], 16) for address in fields[1:3])
        if fields[3] == ESTABLISHED and remote == port and fields[9] in own:
            kind, _, ticks = fields[5].partition(":")
            found.append(Connection(local, int(ticks, 16) / 100 if kind == KEEPALIVE else None))
    return found


def inodes(pid):
    """Of its sockets."""
    found = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.add(os.readlink(descriptor).removeprefix("socket:[").removesuffix("]"))
    return found
