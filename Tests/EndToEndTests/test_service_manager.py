"""What the responder reports to systemd (sd_notify(3)); a test process stands in for systemd."""

import signal
import socket

import pytest

from support.waiting import wait_for


class Manager:
    """The socket that NOTIFY_SOCKET names."""

    def __init__(self, path):
        self.path = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        self._socket.setblocking(False)
        self.told = []

    def read(self):
        while True:
            try:
                self.told.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return self.told

    def close(self):
        self._socket.close()


@pytest.fixture
def manager(tmp_path_factory):
    manager = Manager(tmp_path_factory.mktemp("notify") / "s")
    yield manager
    manager.close()


def test_manager_hears_of_readiness_progress_reload_and_stop(responders, manager):
    responder = responders().start_on_own_sockets(NOTIFY_SOCKET=manager.path, WATCHDOG_USEC="400000")
    wait_for(lambda: "READY=1" in manager.read(), 5, "readiness")
    wait_for(lambda: manager.read().count("WATCHDOG=1") >= 3, 5, "progress")
    responder.process.send_signal(signal.SIGHUP)
    wait_for(lambda: manager.read().count("READY=1") == 2, 5, "readiness after a reload")
    reloading = next(line for line in manager.told if line.startswith("RELOADING=1"))
    assert reloading.split("\n")[1].startswith("MONOTONIC_USEC=")
    responder.process.send_signal(signal.SIGTERM)
    assert responder.process.wait(10) == 0
    assert manager.read()[-1] == "STOPPING=1"


def test_without_a_watchdog_there_is_no_heartbeat(responders, manager):
    responder = responders().start_on_own_sockets(NOTIFY_SOCKET=manager.path)
    responder.process.send_signal(signal.SIGTERM)
    assert responder.process.wait(10) == 0
    assert manager.read() == ["READY=1", "STOPPING=1"]
