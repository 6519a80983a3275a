"""Listeners and their tracks, what each request of theirs must be answered, and the objects behind the tracks."""

import itertools
import random
import time
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import boto3
from botocore.config import Config

from harness import canaries
from harness.tokens import Mint
from harness.ulids import ulid
from harness.waiting import concurrently

# Of the listeners, the first ask again and again, and the rest so seldom that most of theirs are misses.
LISTENERS, FREQUENT = 600, 200
# Those who ask for more than their allowance, together; each row of the table has others.
GREEDY, GREEDY_EACH = 180, 3
# Of 20 requests: frequent, seldom, greedy, and of a listener for a track of another.
SHARES = {"frequent": 11, "seldom": 3, "greedy": 5, "stranger": 1}
# Requests within a minute that the rate limit lets one user have: 60 together, and one each second.
ALLOWANCE = 60 + 60


@dataclass(frozen=True)
class Track:
    id: str
    user: str
    token: str
    object_key: str


@dataclass(frozen=True)
class Expected:
    """`track` is whose URL a 200 must have; None where the answer is 403."""

    kind: str
    user: str
    track: Track | None


class People:
    def __init__(self, stack):
        self._stack, self._mint, self._next_greedy = stack, Mint.of(stack), 0
        tracks = [self._track() for _ in range(LISTENERS + GREEDY)]
        self._store = boto3.client(
            "s3", endpoint_url=stack["S3_ENDPOINT"], region_name=stack["S3_REGION"],
            aws_access_key_id=stack["S3_ACCESS_KEY_ID"], aws_secret_access_key=stack["S3_SECRET_ACCESS_KEY"],
            config=Config(s3={"addressing_style": "path"}))
        # The victims' tracks have one object.
        self._shared = self._track()
        concurrently(len(tracks) + 1, lambda at: self._put([*tracks, self._shared][at]), 8)
        self._listeners, self._greedy = tracks[:LISTENERS], tracks[LISTENERS:]
        stack.sql(inserts(tracks))

    def _track(self, object_key=None):
        user, track = ulid(), ulid()
        token = self._mint.hs256(user, exp=int(time.time()) + 86_400)
        return Track(track, user, token, object_key or f"audio/{user}/{track}.mp3")

    def _put(self, track):
        """The object says whose it is."""
        self._store.put_object(
            Bucket=self._stack["S3_BUCKET"], Key=track.object_key, Body=track.id.encode(), ContentType="audio/mpeg")

    def victims(self, connection, count):
        """Tracks of as many users, made now; a change takes each of them the access."""
        victims = [self._track(self._shared.object_key) for _ in range(count)]
        connection.execute(inserts(victims))
        return victims

    def grantee(self, connection, track):
        """Another user, who may listen to the track by a grant."""
        other = self._track(self._shared.object_key)
        connection.execute(f"insert into novatune.users (user_id) values ('{other.user}')")
        connection.execute(
            "insert into novatune.track_grants (track_id, grantee_id, granted_by) values"
            f" ('{track.id}', '{other.user}', '{track.user}')")
        return Track(track.id, other.user, other.token, track.object_key)

    def requests(self):
        """Endless. The greedy ones are of this iterator alone."""
        at = self._next_greedy % GREEDY
        self._next_greedy += GREEDY_EACH
        greedy = itertools.cycle(self._greedy[at : at + GREEDY_EACH])
        seldom = itertools.cycle(random.sample(self._listeners[FREQUENT:], LISTENERS - FREQUENT))
        kinds = [kind for kind, share in SHARES.items() for _ in range(share)]
        while True:
            for kind in random.sample(kinds, len(kinds)):
                if kind == "stranger":
                    other, track = random.sample(self._listeners, 2)
                    yield track.id, other.token, Expected(kind, other.user, None)
                    continue
                track = next(greedy if kind == "greedy" else seldom) if kind != "frequent" else random.choice(
                    self._listeners[:FREQUENT])
                yield track.id, track.token, Expected(kind, track.user, track)


def inserts(tracks):
    users = ",".join(f"('{track.user}')" for track in tracks)
    rows = ",".join(
        f"('{track.id}', '{track.user}', '{canaries.TITLE}', '{track.object_key}', 'audio/mpeg', 26, 'Ready')"
        for track in tracks)
    return (
        f"insert into novatune.users (user_id) values {users};"
        "insert into novatune.tracks (track_id, user_id, title, object_key, mime_type, file_size_bytes, status)"
        f" values {rows}")


def object_key(url):
    """Of a presigned URL, path-style."""
    return unquote(urlsplit(url).path).split("/", 2)[2]
