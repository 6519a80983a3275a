"""Everything that no log may contain, and what kind of secret it is. Code that makes a secret in these tests adds it
here."""

import base64
import json
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

_kinds: dict[bytes, str] = {}
# Anything shorter stands in innocent texts too.
SHORTEST = 10
# A secret that a client put into its own request's path.
OWN_PATH = "misplaced secret in a path"
# Of all tracks that tests make.
TITLE = "A title that no log contains"


def add(*texts, kind="secret"):
    for text in texts:
        text = text.encode() if isinstance(text, str) else text
        if text:
            # One that would be passed over in silence proves nothing.
            assert len(text) >= SHORTEST, f"a {kind} of {len(text)} bytes is too short to be searched for"
            _kinds.setdefault(bytes(text), kind)


def add_token(token):
    """Whole, and each part that says something on its own; the header is the same in all."""
    add(token, kind="token")
    _, *parts = token.split(".")
    if len(parts) == 2:
        add(parts[0], kind="token's claims")
        add(parts[1], kind="token's signature")


def add_url(url):
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    add(url, kind="presigned URL")
    # A made-up one may have none.
    if len(parts.path) > 1:
        add(parts.path, unquote(parts.path), kind="presigned URL's path")
    for name in ("Signature", "Credential", "Security-Token"):
        add(query.get(f"X-Amz-{name}"), kind=f"X-Amz-{name}")


def add_key_ring(path):
    for key in json.loads(Path(path).read_text())["keys"].values():
        add_key(key)


def add_key(key):
    """A base64 text, and the bytes that it stands for."""
    add(key, kind="cache key")
    add(base64.b64decode(key), kind="cache key")


def add_stack(stack):
    """Its settings, its demo's tokens, and the rows of its tracks."""
    add_key_ring(stack["CACHE_KEYS_FILE"])
    add(stack["S3_SECRET_ACCESS_KEY"], kind="S3 secret key")
    add(stack["S3_ACCESS_KEY_ID"], kind="S3 access key id")
    add(stack["JWT_HS256_SECRET"], kind="JWT secret")
    add(stack.names.get("PG_PASSWORD"), stack.names.get("RESPONDER_PASSWORD"), kind="database password")
    for name, value in stack.names.items():
        if name.startswith("TOKEN_"):
            add_token(value)
    for title, key in stack.sql("select distinct title, object_key from novatune.tracks"):
        add(title, kind="title")
        add(key, kind="object key")


def kinds():
    return dict(_kinds)


def all_canaries():
    """Those that are text."""
    return sorted(text for text in (marker.decode("utf-8", "replace") for marker in _kinds) if "\ufffd" not in text)
