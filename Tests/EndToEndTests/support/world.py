"""Users, tracks and objects that a test makes for itself, and that vanish with it."""

import re
from dataclasses import dataclass, field

from harness import canaries
from harness.ulids import ulid
from support.problems import path


# Of rows that tests make elsewhere.
canaries.add("audio/an-object-that-no-log-names.mp3", kind="object key")
canaries.add(canaries.TITLE, "Another title that no log contains", kind="title")


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


@dataclass(frozen=True)
class User:
    id: str
    token: str = field(repr=False)


@dataclass(frozen=True)
class Track:
    id: str
    owner: User
    object_key: str
    mime_type: str
    size: int

    @property
    def path(self):
        return path(self.id)


class World:
    def __init__(self, stack, mint, s3, shared_object):
        self._stack = stack
        self._mint = mint
        self._s3 = s3
        self._shared_key, self.shared_content = shared_object
        self._users, self._tracks, self._objects = [], [], []

    def user(self, status="Active", **columns):
        return self.users(1, status, **columns)[0]

    def users(self, count, status="Active", **columns):
        users = [User(id, self._mint.hs256(id)) for id in (ulid() for _ in range(count))]
        names = "".join(f", {name}" for name in columns)
        values = "".join(f", {quoted(value)}" for value in columns.values())
        rows = ",".join(f"({quoted(user.id)}, {quoted(status)}{values})" for user in users)
        self._stack.sql(f"insert into novatune.users (user_id, status{names}) values {rows}")
        self._users += users
        return users

    def stranger(self):
        """A good token of a user that the database does not know."""
        id = ulid()
        return User(id, self._mint.hs256(id))

    def track(self, owner, status="Ready", object_key=None, mime_type="audio/mpeg", size=None):
        return self.tracks([owner], status=status, object_key=object_key, mime_type=mime_type, size=size)[0]

    def tracks(self, owners, each=1, status="Ready", object_key=None, mime_type="audio/mpeg", size=None):
        """`each` tracks for each owner, on one object unless `object_key` is a function of the track's id."""
        tracks = []
        for owner in owners:
            for _ in range(each):
                id = ulid()
                key = object_key(id) if callable(object_key) else object_key or self._shared_key
                tracks.append(Track(id, owner, key, mime_type, size or len(self.shared_content)))
        canaries.add(*(track.object_key for track in tracks), kind="object key")
        rows = ",".join(
            f"({quoted(track.id)}, {quoted(track.owner.id)}, {quoted(canaries.TITLE)}, {quoted(track.object_key)}, "
            f"{quoted(track.mime_type)}, {track.size}, {quoted(status)})"
            for track in tracks)
        self._stack.sql(
            "insert into novatune.tracks (track_id, user_id, title, object_key, mime_type, file_size_bytes, status)"
            f" values {rows}")
        self._tracks += tracks
        return tracks

    def grant(self, track, grantee, expires="null"):
        """`expires` is an SQL expression."""
        self._stack.sql(
            "insert into novatune.track_grants (track_id, grantee_id, expires_at, granted_by) values "
            f"({quoted(track.id)}, {quoted(grantee.id)}, {expires}, {quoted(track.owner.id)})"
            " on conflict (track_id, grantee_id) do update set expires_at = excluded.expires_at")

    def set_user(self, user, assignments):
        self._stack.sql(f"update novatune.users set {assignments} where user_id = {quoted(user.id)}")

    def set_track(self, track, assignments):
        canaries.add(*re.findall(r"object_key = '([^']+)'", assignments), kind="object key")
        self._stack.sql(f"update novatune.tracks set {assignments} where track_id = {quoted(track.id)}")

    def put(self, key, content):
        self._s3.put_object(Bucket=self._stack["S3_BUCKET"], Key=key, Body=content)
        self._objects.append(key)
        canaries.add(key, kind="object key")
        return key

    def clean_up(self):
        users = ",".join(quoted(user.id) for user in self._users)
        if users:
            self._stack.sql(
                f"delete from novatune.tracks where user_id in ({users}); delete from novatune.users where user_id in"
                f" ({users})")
        for key in self._objects:
            self._s3.delete_object(Bucket=self._stack["S3_BUCKET"], Key=key)
