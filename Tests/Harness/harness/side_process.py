"""A process of the program beside the responder, with its own settings, health and metrics."""

import json
import signal
import subprocess

from harness import evidence, fastcgi
from harness.metrics import parsed
from harness.stack import environment_with
from harness.waiting import wait_for


class SideProcess:
    """Runs from `start` on until `kill`; `directory` is its own."""

    def __init__(self, stack, directory, command, settings):
        self._command = command
        self.log_file = directory / f"{command}.log"
        evidence.keep_file(self.log_file)
        self.socket = directory / command
        self.process = None
        self._binary = stack["RESPONDER_BINARY"]
        self._settings = {
            f"NOVATUNE_{command.upper()}_LISTEN": f"unix:{self.socket}", "NOVATUNE_LOG_LEVEL": "trace"} | settings

    def start(self, **settings):
        """Returns while it may still be connecting."""
        self._settings |= settings
        with open(self.log_file, "ab") as output:
            self.process = subprocess.Popen(
                [self._binary, self._command], env=environment_with(**self._settings), stdin=subprocess.DEVNULL,
                stdout=output, stderr=output)
        return self

    def until_ready(self):
        wait_for(lambda: self.readiness()[0] == 200, 20, f"{self._command}'s readiness")
        return self

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()

    def readiness(self):
        """Status, and the dependencies; 0 while its socket does not answer."""
        answer = self._get("/readyz")
        return (answer[0], json.loads(answer[1])["dependencies"]) if answer else (0, {})

    def metrics(self):
        return parsed(self._get("/metrics")[1].decode())

    def log(self):
        return self.log_file.read_text()

    def _get(self, path):
        assert self.process.poll() is None, self.log()
        try:
            with fastcgi.connect(self.socket) as connection:
                fastcgi.send(connection, {"REQUEST_METHOD": "GET", "REQUEST_URI": path, "DOCUMENT_URI": path})
                return fastcgi.receive(connection)
        except OSError:
            return None
