"""People at a psql of their own: roles that may log in, and what they are members of is all that they may."""

import secrets
import subprocess
from urllib.parse import urlsplit

from harness import canaries
from harness.stack import PSQL
from harness.ulids import ulid


class Person:
    """Logs in from `with` on; afterwards there is no such role."""

    def __init__(self, stack, member_of):
        self.role = f"person_{ulid().lower()}"
        self._member_of = member_of
        self._stack = stack
        self._password = secrets.token_hex(16)
        canaries.add(self._password, kind="database password")

    def __enter__(self):
        self._stack.sql(f"create role {self.role} login password '{self._password}' in role {self._member_of}")
        return self

    def __exit__(self, *_):
        self._stack.sql(f"drop role {self.role}")

    def __call__(self, text):
        """Rows as lists of texts."""
        done = self._psql(text)
        assert done.returncode == 0, done.stderr
        return [line.split("\t") for line in done.stdout.splitlines()]

    def error(self, text):
        """The error that it leads to, with its SQLSTATE, as psql shows it."""
        done = self._psql(text)
        assert done.returncode == 3, f"no error: {done.stdout}"
        return done.stderr

    def _psql(self, text):
        parts = urlsplit(self._stack["DATABASE_URL"])
        url = f"postgresql://{self.role}:{self._password}@{parts.hostname}:{parts.port}{parts.path}"
        return subprocess.run(
            [PSQL, "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose", url],
            input=text, capture_output=True, text=True, timeout=30)
