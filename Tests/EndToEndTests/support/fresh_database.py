"""A database beside the stack's own, on the same server, with the changes that a test deploys to it."""

import os
import subprocess
from urllib.parse import quote

from harness.database_server import OWNER
from harness.stack import REPOSITORY
from harness.ulids import ulid


class FreshDatabase:
    def __init__(self, stack):
        self.name = f"novatune_{ulid().lower()}"
        self._socket = f"host={quote(stack['PG_DIR'], safe='')}&port={stack['PG_PORT']}"

    def url(self, role):
        return f"postgresql://{role}@/{self.name}?{self._socket}"

    def deploy(self, change, project=REPOSITORY / "sql"):
        self._sqitch(project, "deploy", "--verify", "--to", change)

    def revert(self, change, project=REPOSITORY / "sql"):
        """The changes after `change`."""
        self._sqitch(project, "revert", "-y", "--to", change)

    def _sqitch(self, project, *arguments):
        done = subprocess.run(
            ["sqitch", *arguments, f"db:{self.url(OWNER)}"], cwd=project,
            env=os.environ | {"SQITCH_FULLNAME": "NovaTune Stream", "SQITCH_EMAIL": "engineering@novatune.dev"},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
