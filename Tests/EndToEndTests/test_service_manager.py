"""What the responder and its unit agree on with systemd; a test process stands in for systemd."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess

import pytest

from harness.responder import settings
from harness.stack import REPOSITORY
from harness.waiting import wait_for
from support.rings import replace

UNIT = REPOSITORY / "nginx/systemd/novatune-streamd.service"


class Manager:
    """The socket that NOTIFY_SOCKET names."""

    def __init__(self, path):
        self.path = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        self._socket.setblocking(False)
        self.received = []

    def read(self):
        while True:
            try:
                self.received.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return self.received

    def close(self):
        self._socket.close()


@pytest.fixture
def manager(tmp_path_factory):
    manager = Manager(tmp_path_factory.mktemp("notify") / "s")
    yield manager
    manager.close()


def test_manager_is_notified_of_readiness_progress_reload_and_stop(responders, manager):
    responder = responders().start_on_own_sockets(NOTIFY_SOCKET=manager.path, WATCHDOG_USEC="400000")
    wait_for(lambda: "READY=1" in manager.read(), 5, "readiness")
    wait_for(lambda: manager.read().count("WATCHDOG=1") >= 3, 5, "progress")
    responder.process.send_signal(signal.SIGHUP)
    wait_for(lambda: manager.read().count("READY=1") == 2, 5, "readiness after a reload")
    reloading = next(line for line in manager.received if line.startswith("RELOADING=1"))
    assert reloading.split("\n")[1].startswith("MONOTONIC_USEC=")
    responder.process.send_signal(signal.SIGTERM)
    assert responder.process.wait(10) == 0
    assert manager.read()[-1] == "STOPPING=1"


def test_without_a_watchdog_there_is_no_heartbeat(responders, manager):
    responder = responders().start_on_own_sockets(NOTIFY_SOCKET=manager.path)
    responder.process.send_signal(signal.SIGTERM)
    assert responder.process.wait(10) == 0
    assert manager.read() == ["READY=1", "STOPPING=1"]


def stream_of(path):
    """As systemd names a stream in JOURNAL_STREAM."""
    status = os.stat(path)
    return f"{status.st_dev}:{status.st_ino}"


def test_lines_for_the_journal_begin_with_their_priority(responders):
    responder = responders()
    responder.log_file.touch()
    responder.start_on_own_sockets(JOURNAL_STREAM=stream_of(responder.log_file))
    responder.process.send_signal(signal.SIGHUP)
    wait_for(lambda: '"reloaded"' in responder.log(), 5, "the reload")
    assert responder.stop() == 0
    lines = [re.fullmatch("<([2-7])>(.*)", line).groups() for line in responder.log().splitlines()]
    priorities = {json.loads(line)["event"]: priority for priority, line in lines}
    assert priorities["ready"] == priorities["stopped"] == "6" and priorities["reloaded"] == "5"


def test_lines_for_another_reader_are_json_alone(responders, tmp_path):
    """A service that a unit starts, whose output was redirected since."""
    (tmp_path / "other").touch()
    responder = responders().start_on_own_sockets(JOURNAL_STREAM=stream_of(tmp_path / "other"))
    assert responder.stop() == 0
    assert all(line.startswith("{") for line in responder.log().splitlines())


def test_error_of_a_start_has_its_priority_in_the_journal(stack, tmp_path):
    log = tmp_path / "log"
    with open(log, "wb") as output:
        done = subprocess.run(
            [stack["RESPONDER_BINARY"], "--config", tmp_path / "none"], stderr=output, timeout=20,
            env={"PATH": os.environ["PATH"], "JOURNAL_STREAM": stream_of(log)})
    assert done.returncode == 78 and log.read_text().startswith("<3>novatune-streamd: --config: ")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can take a capability away")
def test_keys_that_are_not_locked_are_reported_at_the_start(responders):
    assert responders().start_on_own_sockets().events("keys not locked") == []
    limited = ("setpriv", "--bounding-set=-ipc_lock", "--inh-caps=-ipc_lock", "prlimit", "--memlock=0:0")
    responder = responders()
    sockets = {"NOVATUNE_LISTEN": responder.stream_socket, "NOVATUNE_GATE_LISTEN": responder.gate_socket}
    responder.start(limited, **{name: f"unix:{path}" for name, path in sockets.items()})
    (line,) = responder.events("keys not locked")
    assert line["level"] == "warning" and "RLIMIT_MEMLOCK" in line["advice"]


def directives(name):
    return re.findall(f"^{name}=(.*)$", UNIT.read_text(), re.MULTILINE)


def test_refused_reload_ends_the_units_reload_before_the_signal(stack, command, tmp_path):
    check, signals = directives("ExecReload")
    assert signals == "/bin/kill -HUP $MAINPID", "systemd runs no further line where one fails"
    program, *arguments = shlex.split(check)
    config = tmp_path / "responder.conf"
    installed = "/etc/novatune/novatune.env"
    assert directives("ExecStart") == [f"{program} --config {installed}"] and arguments[-1] == installed

    def reload(text):
        replace(config, text)
        return command(*arguments[:-1], config)

    good = settings(stack)
    done = reload(good)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = reload(re.sub("NOVATUNE_LOG_LEVEL=.*", "NOVATUNE_LOG_LEVEL=loud", good))
    (line,) = done.stdout.splitlines()
    assert done.returncode == 78 and line.split()[:2] == ["NOVATUNE_LOG_LEVEL", "failed"]


def test_unit_lets_the_journal_keep_every_line_and_restarts_it_later_each_time():
    # Tests/Install shows what a journal makes of them.
    assert directives("LogRateLimitIntervalSec") == ["1s"] and directives("LogRateLimitBurst") == ["1000000"]
    assert directives("Restart") == ["always"]
    pause, steps = directives("RestartSec"), directives("RestartSteps")
    assert pause == ["500ms"] and int(steps[0]) > 1 and directives("RestartMaxDelaySec") == ["30s"]
    # Before systemd 254 the pause stays: it alone must not use the limit up.
    (interval,), (burst,) = directives("StartLimitIntervalSec"), directives("StartLimitBurst")
    assert int(interval.removesuffix("s")) / 0.5 < int(burst)


@pytest.mark.parametrize("name", ["revoke", "authorize"])
def test_units_of_the_other_processes_are_as_hardened(name):
    hardening = lambda unit: unit.read_text().partition("UMask=")[2]
    assert hardening(UNIT) and hardening(UNIT.with_name(f"novatune-{name}.service")) == hardening(UNIT)
