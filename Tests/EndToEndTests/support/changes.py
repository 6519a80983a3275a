"""What a DBA or another service does to users, tracks and grants: by function or by hand, one legal change after the
other."""

import time
from collections import Counter
from dataclasses import dataclass, replace

from support.facts import Grant, TrackRow

# Seconds that a grant with an end lasts here.
BRIEF = (0.02, 0.3)
# PostgreSQL's now() has microseconds, and the end is rounded to one.
TICK = 2e-6


@dataclass(frozen=True)
class Change:
    kind: str
    # By who does it: "function" or "hand".
    commands: dict
    # From the facts before and the command's result to the facts after.
    effect: object
    users: tuple = ()
    tracks: tuple = ()
    subjects: tuple = ()


def object_key(track, revision):
    return f"audio/race/{track}-{revision}.mp3"


class Changes:
    """Makes random changes, each in a transaction of its own, and notes them in the timeline."""

    # How often each is tried. What opens is tried more often than what closes, or little could be streamed.
    WEIGHTS = {
        "delete": 5, "restore": 20, "remove": 3, "insert": 20, "make ready": 10, "fail": 10, "retry": 10,
        "new object": 10,
        "new owner": 4, "grant": 10, "grant with an end": 6, "end": 3, "revoke": 5, "suspend": 3, "reinstate": 20,
        "log out": 10, "link": 12, "unlink": 8,
    }

    def __init__(self, database, timeline, random, sessions, identities):
        """`identities` are the subjects that are linked and unlinked, and their issuer."""
        self.counts = Counter()
        self._database = database
        self._timeline = timeline
        self._random = random
        self._sessions = sessions
        self._subjects, self._issuer = identities
        self._users = sorted(timeline.facts.users)
        self._tracks = sorted(timeline.facts.tracks)
        # Those whom identities are linked to are never logged out: for a token of the logout's second it counts when this
        # responder saw it first, which the timeline does not have.
        self._linkable = self._users[:2]
        # Also of tracks whose row is gone: a key is never used again.
        self._revisions = dict.fromkeys(self._tracks, 0)
        self._makers = {kind: getattr(self, "_" + kind.replace(" ", "_")) for kind in self.WEIGHTS}

    def make(self):
        """The next change; returns it when it is committed."""
        change = None
        while change is None:
            kind, = self._random.choices(list(self.WEIGHTS), self.WEIGHTS.values())
            change = self._makers[kind]()
        way = min(change.commands, key=lambda way: self.counts[change.kind, way])
        text, *parameters = change.commands[way]
        before = self._timeline.facts
        begun = time.monotonic()
        rows = self._database(text, *parameters)
        finished = time.monotonic()
        self._timeline.append(begun, finished, f"{change.kind}, by {way}", change.effect(before, rows))
        self.counts[change.kind, way] += 1
        return change

    # Tracks

    def _pick(self, *statuses):
        """A track in one of the statuses, or in any."""
        rows = self._timeline.facts.tracks
        candidates = [id for id in self._tracks if id in rows and (not statuses or rows[id].status in statuses)]
        return self._random.choice(candidates) if candidates else None

    def _track_change(self, kind, id, row, hand, function=None):
        commands = {"hand": (f"update novatune.tracks set {hand[0]} where track_id = %s", *hand[1:], id)}
        if function:
            commands["function"] = function
        return Change(kind, commands, lambda facts, _: facts.with_track(id, row), tracks=(id,))

    def _row(self, id):
        return self._timeline.facts.tracks[id]

    def _delete(self):
        if id := self._pick("Processing", "Failed", "Ready"):
            row = replace(self._row(id), status="Deleted", status_before_deletion=self._row(id).status)
            return self._track_change(
                "delete", id, row, ("status = 'Deleted'",), ("select novatune.delete_track(%s, 'race')", id))

    def _restore(self):
        if id := self._pick("Deleted"):
            row = replace(self._row(id), status=self._row(id).status_before_deletion, status_before_deletion=None)
            return self._track_change(
                "restore", id, row, ("status = %s", row.status), ("select novatune.restore_track(%s, 'race')", id))

    def _remove(self):
        if id := self._pick():
            return Change(
                "remove", {"hand": ("delete from novatune.tracks where track_id = %s", id)},
                lambda facts, _: facts.without_track(id),
                tracks=(id,))

    def _insert(self):
        missing = [id for id in self._tracks if id not in self._timeline.facts.tracks]
        if missing:
            id = self._random.choice(missing)
            row = TrackRow(self._random.choice(self._users), self._random.choice(["Processing", "Failed", "Ready"]),
                self._next_revision(id))
            text = (
                "insert into novatune.tracks (track_id, user_id, title, object_key, mime_type, file_size_bytes, status)"
                    " values (%s, %s, 'Another title that no log contains', %s, 'audio/mpeg', %s, %s)")
            values = (id, row.owner, object_key(id, row.revision), row.revision + 1, row.status)
            return Change("insert", {"hand": (text, *values)}, lambda facts, _: facts.with_track(id, row), tracks=(id,))

    def _make_ready(self):
        if id := self._pick("Processing"):
            row = replace(self._row(id), status="Ready", revision=self._next_revision(id))
            key, size = object_key(id, row.revision), row.revision + 1
            return self._track_change(
                "make ready", id, row, ("status = 'Ready', object_key = %s, file_size_bytes = %s", key, size),
                ("select novatune.mark_ready(%s, %s, 'audio/mpeg', %s)", id, key, size))

    def _fail(self):
        if id := self._pick("Processing"):
            return self._track_change("fail", id, replace(self._row(id), status="Failed"), ("status = 'Failed'",))

    def _retry(self):
        if id := self._pick("Failed"):
            return self._track_change(
                "retry", id, replace(self._row(id), status="Processing"), ("status = 'Processing'",))

    def _new_object(self):
        if id := self._pick():
            row = replace(self._row(id), revision=self._next_revision(id))
            assignments = ("object_key = %s, file_size_bytes = %s", object_key(id, row.revision), row.revision + 1)
            return self._track_change("new object", id, row, assignments)

    def _new_owner(self):
        if id := self._pick():
            row = replace(
                self._row(id), owner=self._random.choice([user for user in self._users if user != self._row(id).owner]))
            return self._track_change("new owner", id, row, ("user_id = %s", row.owner))

    def _next_revision(self, id):
        self._revisions[id] += 1
        return self._revisions[id]

    # Grants

    def _grant(self):
        return self._granting("grant", None, "null", ())

    def _grant_with_an_end(self):
        seconds = self._random.uniform(*BRIEF)
        # The moment on the clock by which answers are timed is between the two.
        before, now, after = time.monotonic(), time.time(), time.monotonic()
        ends = (before + seconds - TICK, after + seconds + TICK)
        return self._granting("grant with an end", ends, "to_timestamp(%s)", (now + seconds,))

    def _granting(self, kind, ends, expression, parameters):
        if id := self._pick():
            grantee = self._random.choice([user for user in self._users if user != self._row(id).owner])
            inserting = (
                f"insert into novatune.track_grants (track_id, grantee_id, expires_at) values (%s, %s, {expression})"
                " on conflict (track_id, grantee_id) do update set expires_at = excluded.expires_at")
            calling = f"select novatune.grant_access(%s, %s, {expression}, reason => 'race')::text"
            return Change(
                kind, {"hand": (inserting, id, grantee, *parameters), "function": (calling, id, grantee, *parameters)},
                lambda facts, _: facts.with_grant(id, grantee, Grant(ends)), users=(grantee,), tracks=(id,))

    def _granted(self):
        grants = sorted(self._timeline.facts.grants)
        return self._random.choice(grants) if grants else None

    def _end(self):
        """Moves a grant's end into the past; a grant over a grant moves it elsewhere."""
        if pair := self._granted():
            text = ("update novatune.track_grants set expires_at = now() - interval '1 second'"
                    " where track_id = %s and grantee_id = %s")
            return Change(
                "end", {"hand": (text, *pair)}, lambda facts, _: facts.with_grant(*pair, Grant((0, 0))),
                users=(pair[1],),
                tracks=(pair[0],))

    def _revoke(self):
        if pair := self._granted():
            return Change(
                "revoke", {
                    "hand": ("delete from novatune.track_grants where track_id = %s and grantee_id = %s", *pair),
                    "function": ("select novatune.revoke_access(%s, %s, 'race')", *pair),
                }, lambda facts, _: facts.without_grant(*pair), users=(pair[1],), tracks=(pair[0],))

    # Users

    def _user_change(self, kind, id, status, function):
        row = replace(self._timeline.facts.users[id], status=status)
        return Change(
            kind,
            {"hand": ("update novatune.users set status = %s where user_id = %s", status, id), "function": function},
            lambda facts, _: facts.with_user(id, row), users=(id,))

    def _user(self, is_active):
        candidates = [id for id, row in self._timeline.facts.users.items() if (row.status == "Active") == is_active]
        return self._random.choice(candidates) if candidates else None

    def _suspend(self):
        if id := self._user(is_active=True):
            return self._user_change("suspend", id, "Suspended", ("select novatune.suspend_user(%s, 'race')", id))

    def _reinstate(self):
        if id := self._user(is_active=False):
            return self._user_change("reinstate", id, "Active", ("select novatune.reinstate_user(%s, 'race')", id))

    def _log_out(self):
        # Only whom it hits: a token of the logout's own second counts as a new login where no responder saw it before.
        candidates = [
            id for id in self._users
            if id not in self._linkable and self._sessions.newest(id).listener.issued_at + 1 <= time.time()]
        if not candidates:
            return None
        id = self._random.choice(candidates)
        microseconds = "(extract(epoch from {}) * 1000000)::bigint"
        hand = "update novatune.users set tokens_valid_after = clock_timestamp() where user_id = %s returning "

        def effect(facts, rows):
            (valid_after,), = rows
            self._sessions.renew(id, valid_after)
            return facts.with_user(id, replace(facts.users[id], tokens_valid_after=valid_after))

        return Change("log out", {
            "hand": (hand + microseconds.format("tokens_valid_after"), id),
            "function": ("select " + microseconds.format("novatune.logout_all(%s, 'race')"), id),
        }, effect, users=(id,))

    # Identities

    def _link(self):
        unlinked = [name for name in self._subjects if name not in self._timeline.facts.identities]
        if unlinked:
            name, user = self._random.choice(unlinked), self._random.choice(self._linkable)
            text = "insert into novatune.user_identities (issuer, subject, user_id) values (%s, %s, %s)"
            return Change(
                "link", {
                    "hand": (text, self._issuer, name, user),
                    "function": ("select novatune.link_identity(%s, %s, %s, 'race')", self._issuer, name, user),
                }, lambda facts, _: facts.with_identity(name, user), subjects=(name,))

    def _unlink(self):
        if linked := sorted(self._timeline.facts.identities):
            name = self._random.choice(linked)
            return Change(
                "unlink", {
                    "hand": (
                        "delete from novatune.user_identities where issuer = %s and subject = %s", self._issuer, name),
                    "function": ("select novatune.unlink_identity(%s, %s, 'race')", self._issuer, name),
                }, lambda facts, _: facts.without_identity(name), subjects=(name,))
