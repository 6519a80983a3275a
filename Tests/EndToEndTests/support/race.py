"""Many who ask while one changes what is asked about."""

import re
import time
from random import Random
from urllib.parse import urlsplit

from harness import canaries
from harness.traffic import Traffic
from harness.ulids import ulid
from support.changes import Changes, object_key
from support.facts import Facts, Outcome, TrackRow, UserRow
from support.judge import Observation
from support.sessions import Sessions
from support.timeline import Timeline

CLIENTS = 16
USERS, TRACKS, IDENTITIES = 6, 6, 3
# In every object key of a race.
canaries.add("audio/race/", kind="object key")


class Race:
    def __init__(self, api, world, mint, database, seed):
        self._random = Random(seed)
        users = world.users(USERS)
        tracks = [world.track(users[index % USERS], object_key=lambda id: object_key(id, 0), size=1)
            for index in range(TRACKS)]
        self._users, self._tracks = [user.id for user in users], [track.id for track in tracks]
        facts = Facts({id: UserRow() for id in self._users}, {track.id: TrackRow(track.owner.id) for track in tracks})
        self._sessions = Sessions(mint, self._users)
        self._subjects = [f"race|{ulid()}" for _ in range(IDENTITIES)]
        canaries.add(*self._subjects, kind="subject")
        self.timeline = Timeline(facts)
        self.changes = Changes(
            database, self.timeline, self._random, self._sessions, (self._subjects, mint.claims(None)["iss"]))
        self._latest = None
        self._traffic = Traffic(api, self._requests(), connections=CLIENTS)

    def run(self, is_enough, seconds):
        """Until there is enough, at most for so long."""
        deadline = time.monotonic() + seconds
        with self._traffic:
            while not is_enough(self) and time.monotonic() < deadline:
                self._latest = self.changes.make()

    @property
    def answers(self):
        return self._traffic.count

    @property
    def observations(self):
        return [Observation(*sample.tag, sample.started, sample.ended, outcome(sample))
            for sample in self._traffic.samples()]

    def _requests(self):
        """Every second one about what was changed just now, many by the owner, some with a token that a logout has
        ended, some by an identity."""
        random = Random(self._random.random())
        while True:
            users, tracks = self._users, self._tracks
            if self._latest and random.random() < 0.5:
                users, tracks = self._latest.users or users, self._latest.tracks or tracks
            user, track = random.choice(users), random.choice(tracks)
            subjects = self._latest.subjects if self._latest else ()
            if random.random() < (0.6 if subjects else 0.1):
                session = self._sessions.of_identity(random.choice(subjects or self._subjects))
                yield track, session.token, (session.listener, track)
                continue
            row = self.timeline.facts.tracks.get(track)
            if row and random.random() < 0.4:
                user = row.owner
            session = self._sessions.newest(user) if random.random() < 0.9 else self._sessions.former(user)
            yield track, session.token, (session.listener, track)


def outcome(sample):
    if sample.status == 200:
        body = sample.answer.json()
        revision = int(re.fullmatch(r"/[^/]+/audio/race/\w+-(\d+)\.mp3", urlsplit(body["streamUrl"]).path)[1])
        # The size comes from the row, the URL perhaps from the cache: they must be of one state.
        torn = "" if body["fileSizeBytes"] == revision + 1 else f" with the size of object {body['fileSizeBytes'] - 1}"
        return Outcome(200, f"object {revision}{torn}")
    if sample.status == 409:
        return Outcome(409, sample.answer.json()["extensions"]["currentStatus"])
    return Outcome(sample.status)
