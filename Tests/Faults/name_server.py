"""A DNS server that answers late on command: every name that it knows is this machine.

usage: name_server.py NAME...

Listens on port 53 of an address of its own (127.0.0.0/8), which needs root, and prints it. Then it reads `NAME MODE`
from standard input and answers each with how often it was asked for that name so far. Modes:
  answer   answers, also what it was asked before
  hold     keeps what it is asked
It ends with its standard input.
"""

import contextlib
import random
import selectors
import socket
import struct
import sys

A, NAME_ERROR = 1, 3


def bound():
    for _ in range(100):
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with contextlib.suppress(OSError):
            server.bind((f"127.{random.randint(1, 254)}.{random.randint(1, 254)}.53", 53))
            return server
        server.close()
    raise SystemExit("name_server.py: no port 53 to listen on")


def question(packet):
    """The name, its type, and where the question ends (RFC 1035, section 4.1.2)."""
    labels, at = [], 12
    while length := packet[at]:
        labels.append(packet[at + 1 : at + 1 + length].decode("latin-1"))
        at += 1 + length
    return ".".join(labels).lower(), int.from_bytes(packet[at + 1 : at + 3]), at + 5


def answer(packet, known):
    name, kind, end = question(packet)
    has_address = name in known and kind == A
    # A response with recursion, to the one question.
    header = packet[:2] + struct.pack(">HHHHH", 0x8180 | (0 if name in known else NAME_ERROR), 1, has_address, 0, 0)
    address = struct.pack(">HHHIH", 0xC00C, A, 1, 60, 4) + bytes([127, 0, 0, 1]) if has_address else b""
    return header + packet[12:end] + address


def main(names):
    server, modes, asked, held = bound(), dict.fromkeys(names, "answer"), dict.fromkeys(names, 0), []
    print(server.getsockname()[0], flush=True)
    events = selectors.DefaultSelector()
    for source in (server, sys.stdin):
        events.register(source, selectors.EVENT_READ)
    while True:
        for key, _ in events.select():
            if key.fileobj is server:
                packet, client = server.recvfrom(4096)
                name = question(packet)[0]
                asked[name] = asked.get(name, 0) + 1
                held.append((packet, client))
            else:
                # One line at a time: the caller waits for its answer.
                line = sys.stdin.readline()
                if not line:
                    return
                name, modes[name] = line.split()
                print(asked[name], flush=True)
        kept = []
        for packet, client in held:
            if modes.get(question(packet)[0]) == "hold":
                kept.append((packet, client))
            else:
                with contextlib.suppress(OSError):
                    server.sendto(answer(packet, names), client)
        held = kept


if __name__ == "__main__":
    main(sys.argv[1:])
