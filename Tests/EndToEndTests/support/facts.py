"""What the database says at a moment, and what may be answered to it: checks 5 to 8 of the contract, written a second
time."""

from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Outcome:
    """What an answer says, as far as it follows from the database."""

    status: int
    # Of a 409: the track's status. Of a 200: which of the track's objects, and that the answer's parts belong together.
    detail: object = None

    def __str__(self):
        return f"{self.status}" if self.detail is None else f"{self.status} ({self.detail})"


@dataclass(frozen=True)
class Listener:
    """Whose token it is, and when it was issued: seconds, as in the claim. Either the user is named or an identity."""

    user: str | None
    issued_at: int
    subject: str | None = None


@dataclass(frozen=True)
class UserRow:
    status: str = "Active"
    # Microseconds, as PostgreSQL counts.
    tokens_valid_after: int | None = None

    def refuses(self, issued_at):
        return self.tokens_valid_after is not None and issued_at * 1_000_000 < self.tokens_valid_after


@dataclass(frozen=True)
class TrackRow:
    owner: str
    status: str = "Ready"
    # Counts the track's object keys; each is used once.
    revision: int = 0
    status_before_deletion: str | None = None


@dataclass(frozen=True)
class Grant:
    """`ends` is the first moment at which it may have ended, and the last at which it may not have; None for no end."""

    ends: tuple[float, float] | None = None


@dataclass(frozen=True)
class Facts:
    users: dict = field(default_factory=dict)
    tracks: dict = field(default_factory=dict)
    # By track and grantee.
    grants: dict = field(default_factory=dict)
    # Users by the subject that is linked to them.
    identities: dict = field(default_factory=dict)

    def with_user(self, id, row):
        return replace(self, users=self.users | {id: row})

    def with_track(self, id, row):
        return replace(self, tracks=self.tracks | {id: row})

    def without_track(self, id):
        """With it go its grants."""
        return replace(
            self, tracks={key: row for key, row in self.tracks.items() if key != id},
            grants={pair: grant for pair, grant in self.grants.items() if pair[0] != id})

    def with_grant(self, track, grantee, grant):
        return replace(self, grants=self.grants | {(track, grantee): grant})

    def without_grant(self, track, grantee):
        return replace(self, grants={pair: grant for pair, grant in self.grants.items() if pair != (track, grantee)})

    def with_identity(self, subject, user):
        return replace(self, identities=self.identities | {subject: user})

    def without_identity(self, subject):
        return replace(self, identities={name: user for name, user in self.identities.items() if name != subject})

    def user_of(self, listener):
        return self.identities.get(listener.subject) if listener.subject else listener.user

    def about(self, listener, track):
        """All that decides about an answer: whose token it is, and rows of the user, the track and the grant."""
        user = self.user_of(listener)
        return user, self.users.get(user), self.tracks.get(track), self.grants.get((track, user))

    def outcomes(self, listener, track, since, until):
        """What may be answered between the two moments; more than one where a grant ends in between."""
        id, user, row, grant = self.about(listener, track)
        if user is None or user.status != "Active":
            return {Outcome(403)}
        if user.refuses(listener.issued_at):
            return {Outcome(401)}
        if row is None:
            return {Outcome(404)}
        allowed = Outcome(200, f"object {row.revision}") if row.status == "Ready" else Outcome(409, row.status)
        if row.owner == id:
            return {allowed}
        if grant is None:
            return {Outcome(403)}
        if grant.ends is None:
            return {allowed}
        earliest, latest = grant.ends
        return ({allowed} if since < latest else set()) | ({Outcome(403)} if until >= earliest else set())
