"""Key rings, and the places that they are in."""

import base64
import contextlib
import itertools
import json
import os
import shutil

from harness import canaries


def key():
    """32 bytes, as base64, that no log may contain."""
    text = base64.b64encode(os.urandom(32)).decode()
    canaries.add_key(text)
    return text


def ring(current, *versions, keys=None):
    """A ring with a new key for each version that `keys` does not hold."""
    return {"current": current, "keys": {version: (keys or {}).get(version) or key() for version in versions}}


def replace(path, text, mode=0o600):
    """Replaces a file atomically, as a careful deployment does."""
    fresh = path.with_name(path.name + ".fresh")
    fresh.write_text(text)
    fresh.chmod(mode)
    fresh.rename(path)


class RingFile:
    def __init__(self, directory):
        self.path = directory / "ring.json"
        self.settings = {"NOVATUNE_CACHE_KEYS_FILE": str(self.path)}

    def put(self, ring):
        replace(self.path, json.dumps(ring))

    def spoil(self):
        replace(self.path, '{"current":"v1","keys":{"v1":"c2hvcnQ="}}')


class MountedSecret:
    """As a Kubernetes node does it: links into `..data`, a link that is swapped."""

    def __init__(self, directory):
        self.path = directory / "mounted"
        self.path.mkdir()
        self.settings = {"NOVATUNE_CACHE_KEYS_DIRECTORY": str(self.path)}
        self._editions = itertools.count()

    def put(self, ring):
        self._put(ring["keys"] | {"current": ring["current"]})

    def spoil(self):
        self._put({"current": "v1", "v1": "c2hvcnQ="})

    def _put(self, files):
        edition = self.path / f"..2026_{next(self._editions)}"
        edition.mkdir()
        for name, text in files.items():
            (edition / name).write_text(text)
        data = self.path / "..data"
        former = data.resolve() if data.exists() else None
        (self.path / "..data_tmp").symlink_to(edition.name)
        (self.path / "..data_tmp").rename(data)
        for name in files:
            with contextlib.suppress(FileExistsError):
                (self.path / name).symlink_to(f"..data/{name}")
        for link in self.path.iterdir():
            if not link.name.startswith("..") and link.name not in files:
                link.unlink()
        if former:
            shutil.rmtree(former)


class PrintedRing(RingFile):
    """A command that prints a file."""

    def __init__(self, directory):
        super().__init__(directory)
        self.settings = {"NOVATUNE_CACHE_KEYS_COMMAND": json.dumps(["/bin/cat", str(self.path)])}


class WrappedRing(RingFile):
    """A file with keys that a key management service has wrapped."""

    def __init__(self, directory, kms):
        super().__init__(directory)
        self.settings |= kms.settings()
        self._kms = kms

    def put(self, ring):
        replace(self.path, json.dumps({
            "current": ring["current"],
            "wrappedKeys": {version: self._kms.wrap(key, version) for version, key in ring["keys"].items()},
        }))

    def spoil(self):
        # Wrapped for another version.
        replace(self.path, json.dumps({"current": "v1", "wrappedKeys": {"v1": self._kms.wrap(key(), "v2")}}))
