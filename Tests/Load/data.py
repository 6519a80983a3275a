"""Users, tracks, tokens and request lists for a load run.

usage: data.py DIR USERS TRACKS-PER-USER OBJECT-KEY MIME-TYPE SIZE
       with JWT_HS256_SECRET, JWT_ISSUER and JWT_AUDIENCE in the environment

Writes users.tsv and tracks.tsv for COPY, tokens (one a user, a line each), forged (the same claims, signed by somebody else), and
lists of requests, `TRACK USER-NUMBER` a line: hit (the first track of each user), miss (every track), limited (a few users).
"""

import base64
import hashlib
import hmac
import json
import os
import random
import sys
import time

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LIMITED_USERS = 16


def ulid(source):
    """Random like a real one: neighbours in a list are no neighbours in an index."""
    return "01K" + "".join(source.choices(CROCKFORD, k=23))


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(claims, secret):
    head = base64url(b'{"alg":"HS256","typ":"JWT"}')
    signing_input = head + "." + base64url(json.dumps(claims, separators=(",", ":")).encode())
    return signing_input + "." + base64url(hmac.digest(secret, signing_input.encode(), hashlib.sha256))


def main(directory, users, tracks_per_user, object_key, mime_type, size):
    source = random.Random(1)
    secret = os.environ["JWT_HS256_SECRET"].encode()
    now = int(time.time())

    def lines(name, values):
        with open(os.path.join(directory, name), "w") as file:
            file.writelines(value + "\n" for value in values)

    people = [ulid(source) for _ in range(int(users))]
    claims = [
        {
            "iss": os.environ["JWT_ISSUER"], "aud": os.environ["JWT_AUDIENCE"], "sub": person,
            "iat": now, "exp": now + 86400, "roles": ["listener"],
        }
        for person in people
    ]
    tracks = [(ulid(source), owner) for _ in range(int(tracks_per_user)) for owner in range(len(people))]
    lines("users.tsv", (f"{person}\tActive" for person in people))
    lines("tracks.tsv", (f"{track}\t{people[owner]}\tLoad\t{object_key}\t{mime_type}\t{size}\tReady" for track, owner in tracks))
    lines("tokens", (token(claim, secret) for claim in claims))
    lines("forged", (token(claim, b"not the secret, but just as long as it") for claim in claims))
    requests = [f"{track} {owner + 1}" for track, owner in tracks]
    lines("hit", requests[: len(people)])
    lines("miss", requests)
    lines("limited", requests[:LIMITED_USERS])


if __name__ == "__main__":
    main(*sys.argv[1:])
