"""The running stack: its names, its components, its database."""

import contextlib
import os
import shlex
import signal
import subprocess
import tempfile
from pathlib import Path

from harness.process import family, is_running
from harness.waiting import wait_for

REPOSITORY = Path(__file__).resolve().parents[3]
# Debian's psql is a script that looks for one of these, and takes longer than the program.
PSQL = max(Path("/usr/lib/postgresql").glob("*/bin/psql"), key=lambda path: int(path.parts[4]), default="psql")


class Stack:
    def __init__(self, env_file, state):
        self._env_file = Path(env_file)
        self.state = Path(state)
        self.reload()

    def reload(self):
        words = shlex.split(self._env_file.read_text(), comments=True)
        self.names = dict(word.split("=", 1) for word in words)

    def __getitem__(self, name):
        return self.names[name]

    # Components

    def start(self, component, **settings):
        self._run(component, "start", settings)

    def stop(self, component):
        self._run(component, "stop", {})

    def _run(self, component, verb, settings):
        # The caller's own NOVATUNE_* settings are those of nginx/up, which the components remember.
        environment = environment_with(**settings)
        command = [REPOSITORY / "nginx/local" / component, verb, self.state]
        # A file instead of a pipe: what the component leaves running would hold a pipe open.
        log = self.state / "log" / "tests.log"
        with open(log, "ab") as output:
            done = subprocess.run(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=60)
        assert done.returncode == 0, f"nginx/local/{component} {verb} failed: {log.read_text()[-2000:]}"
        self.reload()

    @contextlib.contextmanager
    def stopped(self, component):
        self.stop(component)
        try:
            yield
        finally:
            self.start(component)

    @contextlib.contextmanager
    def frozen(self, component):
        """Keeps connections open and answers nothing: SIGSTOP for the component and all that it started."""
        pids = family(int(self[f"PID_{component.upper()}"]))
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    @contextlib.contextmanager
    def responder_with(self, **settings):
        """The responder alone, with other settings; afterwards as it was."""
        self.stop("responder")
        try:
            self.start("responder", **settings)
            yield
        finally:
            self.stop("responder")
            self.start("responder")

    def signal_responder(self, number):
        os.kill(int(self["PID_RESPONDER"]), number)

    def responder_is_running(self):
        return is_running(int(self["PID_RESPONDER"]))

    # Database

    def sql(self, text):
        """Rows as lists of texts."""
        done = subprocess.run(
            [PSQL, "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", self["DATABASE_URL"]],
            input=text, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        return [line.split("\t") for line in done.stdout.splitlines()]

    # Logs

    def log(self, name="LOG_FILE"):
        return Path(self[name]).read_text(errors="replace")

    def count_in_log(self, text):
        """How often the responder's log has it. The log is too large to be decoded each time that a test waits for a
        line."""
        return Path(self["LOG_FILE"]).read_bytes().count(text.encode())

    def wait_for_log_line(self, text, name="LOG_FILE"):
        """The first line that contains `text`. nginx writes its access log once a second."""

        def line():
            log = Path(self[name]).read_bytes()
            at = log.find(text.encode())
            # A line that has no end yet is still being written.
            end = log.find(b"\n", at)
            return log[log.rfind(b"\n", 0, at) + 1 : end].decode(errors="replace") if at >= 0 and end >= 0 else None

        return wait_for(line, 5, f"a line with {text} in {name}")


def environment_with(**settings):
    """The caller's environment with these settings of the service, and none of the caller's."""
    return {name: value for name, value in os.environ.items() if not name.startswith("NOVATUNE_")} | settings


@contextlib.contextmanager
def running(state, binary=None, options=(), **settings):
    """A stack in the directory `state`, from its start to its end; `options` are those of nginx/up."""
    down = [REPOSITORY / "nginx/down", "--state", state]
    up = [REPOSITORY / "nginx/up", "--detach", *options, "--state", state] + (["--binary", binary] if binary else [])
    subprocess.run(down, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # A file instead of a pipe, which the servers would hold open.
    with tempfile.TemporaryFile("w+") as output:
        done = subprocess.run(
            up, env=environment_with(**settings), stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        output.seek(0)
        assert done.returncode == 0, f"nginx/up failed:\n{output.read()[-2000:]}"
    try:
        yield Stack(state / "env", state)
    finally:
        subprocess.run(down, stdout=subprocess.DEVNULL)
