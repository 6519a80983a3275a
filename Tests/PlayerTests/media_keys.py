"""A keyboard's media keys and the desktop's own controls, as browsers offer them to a desktop: by MPRIS over D-Bus
(https://specifications.freedesktop.org/mpris-spec/latest/)."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from browser import Chromium, Firefox
from harness.waiting import wait_for

MISSING = next((name for name in ("dbus-daemon", "busctl") if not shutil.which(name)), None)
PLAYER = "org.mpris.MediaPlayer2"


class SessionBus:
    """A D-Bus session bus of its own, so that its only player is the browser that was started with `address`."""

    def __init__(self):
        self._home = Path(tempfile.mkdtemp(prefix="bus-", dir="/tmp"))
        self.address = f"unix:path={self._home}/bus"
        self._daemon = subprocess.Popen(
            ["dbus-daemon", "--session", "--nofork", "--nopidfile", f"--address={self.address}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for((self._home / "bus").exists, 10, "the session bus")

    def stop(self):
        self._daemon.terminate()
        self._daemon.wait(10)
        shutil.rmtree(self._home, ignore_errors=True)

    def _ask(self, *arguments):
        answer = subprocess.run(
            ["busctl", f"--address={self.address}", "--json=short", *arguments], capture_output=True, text=True)
        if answer.returncode:
            raise RuntimeError(answer.stderr.strip())
        return json.loads(answer.stdout) if answer.stdout.strip() else None

    def _player(self):
        return next((entry["name"] for entry in self._ask("list") if entry["name"].startswith(PLAYER + ".")), None)

    def press(self, method, *arguments):
        """A method of the player, such as `Pause`; each argument as D-Bus's type and a value."""
        wait_for(self._player, 20, "the browser among the desktop's players")
        types = "".join(kind for kind, _ in arguments)
        self._ask("call", self._player(), "/org/mpris/MediaPlayer2", PLAYER + ".Player", method,
            *([types, *(str(value) for _, value in arguments)] if types else []))

    def shown(self, name):
        """A property of the player, such as `PlaybackStatus`; `Position` is in microseconds."""
        wait_for(self._player, 20, "the browser among the desktop's players")
        return self._ask("get-property", self._player(), "/org/mpris/MediaPlayer2", PLAYER + ".Player", name)["data"]

    def described(self, name):
        """An entry of the track's metadata, such as `xesam:title`; None while the player describes no track."""
        return self.shown("Metadata").get(name, {}).get("data")

    def seek(self, seconds):
        """As the desktop's slider does."""
        track = wait_for(lambda: self.described("mpris:trackid"), 20, "the track's path")
        self.press("SetPosition", ("o", track), ("x", int(seconds * 1_000_000)))


class HasMediaKeys:
    """A browser of a desktop; `keys` is its session bus."""

    def __init__(self, environment):
        self.keys = SessionBus()
        super().__init__(environment | {"DBUS_SESSION_BUS_ADDRESS": self.keys.address})

    def close(self):
        super().close()
        self.keys.stop()


class ChromiumWithKeys(HasMediaKeys, Chromium):
    missing = Chromium.missing or MISSING


class FirefoxWithKeys(HasMediaKeys, Firefox):
    missing = Firefox.missing or MISSING
