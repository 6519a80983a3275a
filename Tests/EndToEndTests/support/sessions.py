"""Tokens that users hold while they are logged out again and again."""

import time
from dataclasses import dataclass, field

from support.facts import Listener


@dataclass(frozen=True)
class Session:
    listener: Listener
    token: str = field(repr=False)


class Sessions:
    def __init__(self, mint, users):
        self._mint = mint
        # Minutes ago, so that a logout from now on ends them.
        self._held = {user: [self._session(user, int(time.time()) - 300)] for user in users}

    def newest(self, user):
        return self._held[user][-1]

    def former(self, user):
        """The one that the latest logout ended, if there was one."""
        return self._held[user][-2:][0]

    def renew(self, user, valid_after):
        """Another session, good from `valid_after` on: microseconds, rounded up to the claim's seconds."""
        self._held[user].append(self._session(user, -(-valid_after // 1_000_000)))

    def of_identity(self, subject):
        """One that began minutes ago."""
        issued_at = int(time.time()) - 300
        return Session(Listener(None, issued_at, subject), self._mint.hs256(subject, iat=issued_at))

    def _session(self, user, issued_at):
        return Session(Listener(user, issued_at), self._mint.hs256(user, iat=issued_at))
