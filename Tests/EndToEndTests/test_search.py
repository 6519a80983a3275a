"""The searcher for secrets finds what it should, and nothing else."""

import base64
import json
import random
from urllib.parse import quote

import pytest

from harness.encodings import lower_escapes
from harness.search import Search

SECRET = 'audio/a "b" é+~/1234567890abcdef'.encode()
ENCODINGS = {
    "raw": lambda text: text,
    "URL-encoded": lambda text: quote(text, safe="").encode(),
    "URL-encoded path": lambda text: quote(text).encode(),
    "URL-encoded in lower case": lambda text: lower_escapes(quote(text, safe="").encode()),
    "every byte URL-encoded": lambda text: b"".join(b"%%%02X" % byte for byte in text),
    "hex": lambda text: text.hex().encode(),
    "upper-case hex": lambda text: text.hex().upper().encode(),
    "base64": base64.b64encode,
    "base64url": base64.urlsafe_b64encode,
    "JSON": lambda text: json.dumps(text.decode()).encode(),
    "JSON in UTF-8": lambda text: json.dumps(text.decode(), ensure_ascii=False).encode(),
    "JSON with escaped slashes": lambda text: json.dumps(text.decode()).replace("/", "\\/").encode(),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_secret_in_an_encoding_is_found_at_every_alignment(encoding):
    search = Search({SECRET: "key"})
    for before in range(17):
        for inside in range(4):
            text = b"\n" + b"." * before + ENCODINGS[encoding](b"x" * inside + SECRET + b"yz"[:inside]) + b"\n"
            assert list(map(str, search.findings("log", text))) == ["log:2: key"], (before, inside)


def test_end_of_the_text_is_searched():
    for before in range(16):
        assert Search({SECRET: "key"}).findings("log", b"." * before + SECRET)


def test_short_secret_is_found():
    assert Search({b"0123456789": "password"}).findings("log", b"a\nb 0123456789")[0].line == 2


def test_clean_text_has_no_findings():
    search = Search({random.Random(n).randbytes(32): "key" for n in range(1000)} | {SECRET: "key"})
    assert search.findings("log", json.dumps({"message": "a line"}).encode() * 10_000) == []
    assert search.findings("log", SECRET[:-1] + b"!" + SECRET[1:-1]) == []
