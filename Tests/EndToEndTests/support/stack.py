"""The running stack: its names, its components, its database."""

import contextlib
import os
import shlex
import signal
import subprocess
from pathlib import Path

from support.waiting import wait_for

REPOSITORY = Path(__file__).resolve().parents[3]


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
        environment = {name: value for name, value in os.environ.items() if not name.startswith("NOVATUNE_")} | settings
        command = [REPOSITORY / "nginx/local" / component, verb, self.state]
        # A file instead of a pipe: what the component leaves running would hold a pipe open.
        log = self.state / "log" / "tests.log"
        with open(log, "ab") as output:
            done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=60)
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
            ["psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", self["DATABASE_URL"]],
            input=text, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        return [line.split("\t") for line in done.stdout.splitlines()]

    # Logs

    def log(self, name="LOG_FILE"):
        return Path(self[name]).read_text(errors="replace")

    def wait_for_log_line(self, text, name="LOG_FILE"):
        """The first line that contains `text`. nginx writes its access log once a second."""

        def line():
            return next((line for line in self.log(name).splitlines() if text in line), None)

        return wait_for(line, 5, f"a line with {text} in {name}")


def is_running(pid):
    """A zombie has ended; only its parent does not know yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def family(pid):
    """A process and its descendants, parents first."""
    children = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found = [pid]
    for parent in found:
        found += children.get(parent, [])
    return found
