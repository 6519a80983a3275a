"""The load generator, load.c: asks nginx for stream URLs, as fast as answers come or at a fixed rate."""

import json
import subprocess
from pathlib import Path


def compiled(source, directory, *packages):
    """The program of a C file, linked with these packages of pkg-config."""
    flags = []
    if packages:
        found = subprocess.run(["pkg-config", "--cflags", "--libs", *packages], capture_output=True, text=True)
        assert found.returncode == 0, f"no headers of {' or '.join(packages)}: {found.stderr}"
        flags = found.stdout.split()
    binary = directory / source.stem
    done = subprocess.run(
        ["cc", "-O2", "-Wall", "-Wextra", source, "-o", binary, *flags], capture_output=True, text=True)
    assert done.returncode == 0, f"{source.name} does not compile:\n{done.stderr}"
    return binary


class Generator:
    def __init__(self, directory):
        self._binary = compiled(Path(__file__).with_name("load.c"), directory)

    def ask(self, port, tokens, requests, seconds, connections=32, rate=0, once=False):
        """Requests, seconds, statuses, errors, and latencies. The two files have a token, and a track and the number of
        its user's token, in each line; `once` ends with the last request."""
        command = [self._binary, port, connections, seconds, rate, tokens, requests] + (["once"] if once else [])
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
        assert done.returncode == 0, f"the load generator failed: {done.stderr}"
        return json.loads(done.stdout)
