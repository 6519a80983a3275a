"""What is in the shared cache, and under which keys."""

from harness.metrics import metrics
from harness.waiting import wait_for


def entry(user, track, prefix="stream"):
    return f"{prefix}:{user.id}:{track.id}"


def waveform_entry(user, track):
    return entry(user, track) + ":waveform"


def index(user, prefix="stream"):
    """The set of a user's entries."""
    return f"{prefix}:{user.id}:index"


def is_used(api, world):
    """Whether the stack's responder finds what it has just written: after an outage of the cache it reconnects later
    than the server is back."""
    track, before = world.track(world.user()), metrics(api)["stream_url_cache_hits_total"]
    for _ in range(2):
        api.stream_url(track.id, track.owner.token)
    return metrics(api)["stream_url_cache_hits_total"] > before


class Cast:
    """An owner of two tracks, two who were granted the first, and a stranger; every track that they may stream is in
    the cache."""

    def __init__(self, api, world, redis):
        self.owner, self.friend, self.second_friend, self.stranger = self._users = world.users(4)
        self.track, self.second, self.friends, self.strangers = world.tracks(
            [self.owner, self.owner, self.friend, self.stranger])
        for friend in (self.friend, self.second_friend):
            world.grant(self.track, friend, expires="now() + interval '1 hour'")
        self.entries = {
            "owner": (self.owner, self.track), "owner's second": (self.owner, self.second),
            "friend": (self.friend, self.track),
            "friend's own": (self.friend, self.friends), "second friend": (self.second_friend, self.track),
            "stranger": (self.stranger, self.strangers),
        }
        self._redis = redis
        for user, track in self.entries.values():
            api.stream_url(track.id, user.token)
        # A responder writes to the cache after its answer.
        wait_for(lambda: self.cached() == self.indexed() == set(self.entries), 10, "all entries")

    def ids(self):
        return {name: value.id for name, value in vars(self).items() if hasattr(value, "id")}

    def cached(self):
        return {name for name, pair in self.entries.items() if self._redis("EXISTS", entry(*pair))}

    def indexed(self):
        """By what the users' index sets say."""
        keys = {key.decode() for user in self._users for key in self._redis("ZRANGE", index(user), 0, -1)}
        return {name for name, pair in self.entries.items() if entry(*pair) in keys}
