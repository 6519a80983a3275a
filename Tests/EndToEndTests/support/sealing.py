"""The cache's value format, written a second time from its documentation.

Value: 1 byte format | 1 byte length + key version | 12 byte nonce | ciphertext | 16 byte tag, AES-256-GCM; the
associated data is everything before the nonce, then the cache key.
Plaintext of format 1, big-endian: expiry, track version, user epoch, presign fingerprint (8 bytes each), 2 bytes length
and the object key, the URL.
"""

import base64
import json
import os
import struct
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM


@dataclass(frozen=True)
class Entry:
    expires_at: int
    track_version: int
    user_epoch: int
    fingerprint: int
    object_key: str
    url: str

    def encoded(self):
        key = self.object_key.encode()
        return struct.pack(">qqqQH", self.expires_at, self.track_version, self.user_epoch, self.fingerprint,
            len(key)) + key + self.url.encode()

    @classmethod
    def decoded(cls, plaintext):
        *numbers, length = struct.unpack_from(">qqqQH", plaintext)
        return cls(*numbers, plaintext[34 : 34 + length].decode(), plaintext[34 + length :].decode())


class KeyRing:
    def __init__(self, path):
        ring = json.loads(Path(path).read_text())
        self.current = ring["current"]
        self.keys = {version: base64.b64decode(key) for version, key in ring["keys"].items()}

    def open(self, value, cache_key):
        assert value[0] == 1
        nonce_start = 2 + value[1]
        version = value[2:nonce_start].decode()
        nonce, sealed = value[nonce_start : nonce_start + 12], value[nonce_start + 12 :]
        plaintext = AESGCM(self.keys[version]).decrypt(nonce, sealed, value[:nonce_start] + cache_key.encode())
        return version, Entry.decoded(plaintext)

    def seal(self, entry, cache_key, format=1, version=None):
        key = self.keys[self.current]
        name = (version or self.current).encode()
        head = bytes([format, len(name)]) + name
        nonce = os.urandom(12)
        return head + nonce + AESGCM(key).encrypt(nonce, entry.encoded(), head + cache_key.encode())
