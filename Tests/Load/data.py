"""Users, tracks, grants, tokens and lists of requests for a load run."""

import itertools
import random
import time

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LIMITED_USERS = 16
# Beside those that take turns.
IDLE_USERS = 10_000


def ulid(source):
    """Random like a real one: neighbours in a list are no neighbours in an index."""
    return "01K" + "".join(source.choices(CROCKFORD, k=23))


def first_requests(source, tracks, users, count):
    """Pairs of a track and a user, none twice. The tracks follow Zipf's law: the second is asked for half as often as
    the first."""
    weights = list(itertools.accumulate(1 / rank for rank in range(1, tracks + 1)))
    pairs = {}
    while len(pairs) < min(count, tracks * users // 4):
        chosen = source.choices(range(tracks), cum_weights=weights, k=count)
        pairs.update(dict.fromkeys((track, source.randrange(users)) for track in chosen))
    return list(pairs)[:count]


def write(directory, mint, users, tracks, firsts, object_keys, mime_type, size):
    """users.tsv, tracks.tsv and grants.tsv for COPY; tokens, one a user; forged, the same signed with another secret;
    and lists of requests, `TRACK USER-NUMBER` a line: hit (a track of each user), miss (every track but those of warm),
    first, limited (a few users), warm, users (a track of each of 10,000 others)."""
    source = random.Random(1)

    def lines(name, values):
        (directory / name).write_text("".join(value + "\n" for value in values))

    people = [ulid(source) for _ in range(users + IDLE_USERS)]
    known = [(ulid(source), number % users) for number in range(tracks)]
    idle = [(ulid(source), number) for number in range(users, len(people))]
    pairs = first_requests(source, tracks - users, users, firsts)
    expiry = int(time.time()) + 86400
    lines("users.tsv", (f"{person}\tActive" for person in people))
    lines("tracks.tsv", (
        f"{track}\t{people[owner]}\tLoad\t{object_keys[at % len(object_keys)]}\t{mime_type}\t{size}\tReady"
        for at, (track, owner) in enumerate(known + idle)))
    lines("grants.tsv", (f"{known[track][0]}\t{people[user]}" for track, user in pairs if known[track][1] != user))
    lines("tokens", (mint.hs256(person, exp=expiry, email=None) for person in people))
    forger = "not the secret, but just as long as it"
    lines("forged", (mint.hs256(person, forger.encode(), exp=expiry, email=None) for person in people))
    own = [f"{track} {owner + 1}" for track, owner in known]
    lines("hit", own[:users])
    # A new process is warmed with tracks that nothing else asks for.
    lines("miss", own[:-users])
    lines("warm", own[-users:])
    lines("first", (f"{known[track][0]} {user + 1}" for track, user in pairs))
    lines("users", (f"{track} {owner + 1}" for track, owner in idle))
    lines("limited", own[:LIMITED_USERS])
