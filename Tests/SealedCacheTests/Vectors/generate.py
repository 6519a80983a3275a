#!/usr/bin/env python3
"""Cache values for SealedCacheTests, sealed with the library `cryptography` from the documented formats alone.

    generate.py    writes sealed.json beside this file; a second run writes the same
"""
import base64
import json
import pathlib
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEYS = {"v1": bytes(range(32)), "v2": bytes(range(100, 132)), "2026-01.b_c": bytes([0xA5]) * 32}


def entry(expires_at, track_version, user_epoch, fingerprint, object_key, url):
    key = object_key.encode()
    return struct.pack(">qqqQH", expires_at, track_version, user_epoch, fingerprint, len(key)) + key + url.encode()


def seal(version, nonce, plaintext, cache_key):
    head = bytes([1, len(version)]) + version.encode()
    return head + nonce + AESGCM(KEYS[version]).encrypt(nonce, plaintext, head + cache_key.encode())


def vectors():
    cache_key = "stream:01HXK5Z8J3QW9R7N2M4P6T8V0B:01HXK5Z8J3QW9R7N2M4P6T8V0C"
    entries = [
        (1767875520, 7, 3, 0x0123456789ABCDEF, "audio/track.mp3", "https://media.example.com/audio/track.mp3?X-Amz-Expires=120"),
        (0, 0, 0, 0, "k", "u"),
        (-1, -2, -(2**63), 2**64 - 1, "audio/\u00e9\U0001f3b5", "https://h/\u97f3?q"),
        (2**63 - 1, 2**63 - 1, 2**63 - 1, 2**63, "x" * 1024, "https://h/" + "y" * 3000),
    ]
    for number, fields in enumerate(entries):
        for version in KEYS:
            nonce = bytes((number * 40 + index) % 256 for index in range(12))
            plaintext = entry(*fields)
            yield {
                "version": version,
                "cacheKey": cache_key if number != 2 else "pr\u00e9fix:a:b",
                "expiresAt": fields[0], "trackVersion": fields[1], "userEpoch": fields[2], "fingerprint": f"{fields[3]:016x}",
                "objectKey": fields[4], "url": fields[5],
                "firstNonceByte": nonce[0],
                "plaintext": plaintext.hex(),
                "value": seal(version, nonce, plaintext, cache_key if number != 2 else "pr\u00e9fix:a:b").hex(),
            }


if __name__ == "__main__":
    output = {
        "keys": {version: base64.b64encode(key).decode() for version, key in KEYS.items()},
        "vectors": list(vectors()),
    }
    pathlib.Path(__file__).with_name("sealed.json").write_text(json.dumps(output, indent=1) + "\n", "ascii")
