#!/usr/bin/env python3
"""Joins two bridges by a way that takes time, where the kernel has no netem.

usage: delay.py MILLISECONDS BRIDGE BRIDGE     prints "ready", and forwards Ethernet frames until it is killed
"""

import collections
import fcntl
import os
import select
import struct
import subprocess
import sys
import time

# <linux/if_tun.h>
TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
LARGEST_FRAME = 65_536


def port(bridge, number):
    """An Ethernet port of the bridge whose other end is this descriptor."""
    name = f"delay{os.getpid()}-{number}"
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TAP | IFF_NO_PI))
    subprocess.run(["ip", "link", "set", name, "master", bridge, "up"], check=True)
    return descriptor


def forward(first, second, seconds):
    others, waiting = {first: second, second: first}, collections.deque()
    while True:
        patience = max(0, waiting[0][0] - time.monotonic()) if waiting else None
        for descriptor in select.select(others, [], [], patience)[0]:
            waiting.append((time.monotonic() + seconds, others[descriptor], os.read(descriptor, LARGEST_FRAME)))
        while waiting and waiting[0][0] <= time.monotonic():
            _, descriptor, frame = waiting.popleft()
            # A full queue loses frames, as on any network.
            try:
                os.write(descriptor, frame)
            except BlockingIOError:
                pass


def main():
    milliseconds, *bridges = sys.argv[1:]
    ports = [port(bridge, number) for number, bridge in enumerate(bridges)]
    print("ready", flush=True)
    forward(*ports, float(milliseconds) / 1000)


if __name__ == "__main__":
    main()
