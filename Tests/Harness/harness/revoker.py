"""novatune-streamd revoke beside the stack, with a role of the database and a user of the store of its own."""

import json
import signal
import subprocess

from harness import evidence, fastcgi
from harness.metrics import parsed
from harness.stack import environment_with
from harness.waiting import wait_for


class Revoker:
    """Runs from `start` on until `kill`; `directory` is its own."""

    def __init__(self, stack, directory):
        self.log_file = directory / "revoke.log"
        evidence.keep_file(self.log_file)
        self.socket = directory / "revoke"
        self.process = None
        self._binary = stack["RESPONDER_BINARY"]
        self._settings = {
            "NOVATUNE_REVOKE_LISTEN": f"unix:{self.socket}", "NOVATUNE_REVOKE_POLL": "200ms",
            "NOVATUNE_DATABASE_URL": stack["REVOKER_DATABASE_URL"], "NOVATUNE_S3_ENDPOINT": stack["S3_ENDPOINT"],
            "NOVATUNE_S3_REGION": stack["S3_REGION"], "NOVATUNE_S3_BUCKET": stack["S3_BUCKET"],
            "NOVATUNE_S3_ACCESS_KEY_ID": stack["REVOKE_S3_ACCESS_KEY_ID"],
            "NOVATUNE_S3_SECRET_ACCESS_KEY": stack["REVOKE_S3_SECRET_ACCESS_KEY"],
            "NOVATUNE_S3_TIMEOUT": "2s", "NOVATUNE_LOG_LEVEL": "trace",
        }

    def start(self, **settings):
        """Returns while it may still be connecting."""
        self._settings |= settings
        with open(self.log_file, "ab") as output:
            self.process = subprocess.Popen(
                [self._binary, "revoke"], env=environment_with(**self._settings), stdin=subprocess.DEVNULL,
                stdout=output, stderr=output)
        return self

    def until_ready(self):
        wait_for(lambda: self.readiness()[0] == 200, 20, "revoke's readiness")
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
