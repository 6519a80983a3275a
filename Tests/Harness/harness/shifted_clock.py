"""A machine whose clock is wrong, for one program: libfaketime (Debian's package faketime)."""

import contextlib
import shutil
import subprocess

NAMES = ("LD_PRELOAD", "FAKETIME", "FAKETIME_SHARED")


def program():
    """None where there is none."""
    return shutil.which("faketime")


@contextlib.contextmanager
def shifted_clock(seconds):
    """Yields the variables with which a program sees the time so many seconds from now, until the block ends.

    `faketime` makes a segment of shared memory that they name. A program that has none makes its own, and the
    environment that it changes for this is where Swift looks for its arguments.
    """
    prints = "; ".join(f'echo "${name}"' for name in NAMES)
    owner = subprocess.Popen(
        [program(), "-m", "-f", f"{seconds:+d}s", "sh", "-c", f"{prints}; exec cat"], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True)
    try:
        # Only the time of day is wrong: what waits does so as ever.
        yield {name: owner.stdout.readline().strip() for name in NAMES} | {"FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    finally:
        owner.communicate()
