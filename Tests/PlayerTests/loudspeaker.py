"""A sound card without a card: PulseAudio with a null sink, whose output is recorded sample by sample."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy

from harness.waiting import wait_for

RATE = 48_000
# For what must not be late.
AHEAD = ("nice", "-n", "-10") if os.geteuid() == 0 else ()
MISSING = next((name for name in ("pulseaudio", "parec", "pactl") if not shutil.which(name)), None)


class Loudspeaker:
    """Browsers with `environment` play to it."""

    def __init__(self):
        self._home = Path(tempfile.mkdtemp(prefix="loudspeaker-", dir="/tmp"))
        # Without a conversion of rates what arrives is what was sent, bit by bit.
        (self._home / "daemon.conf").write_text(
            f"default-sample-rate = {RATE}\nalternate-sample-rate = {RATE}\ndefault-sample-format = s16le\n")
        self.environment = os.environ | {
            "HOME": str(self._home), "XDG_RUNTIME_DIR": str(self._home), "PULSE_RUNTIME_PATH": str(self._home),
            "PULSE_CONFIG": str(self._home / "daemon.conf"), "PULSE_SERVER": f"unix:{self._home}/native"}
        self._server = self._run(
            "log", "pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no",
            "-L", f"module-native-protocol-unix socket={self._home}/native auth-anonymous=1",
            "-L", f"module-null-sink sink_name=loudspeaker rate={RATE} channels=2 format=s16le")
        wait_for(self._is_up, 20, "the sound server")

    def _run(self, output, *command):
        with (self._home / output).open("wb") as file:
            return subprocess.Popen(
                [*AHEAD, *command], env=self.environment, stdin=subprocess.DEVNULL, stdout=file,
                stderr=subprocess.DEVNULL)

    def _is_up(self):
        listed = subprocess.run(
            ["pactl", "list", "short", "sinks"], env=self.environment, capture_output=True, text=True)
        return "loudspeaker" in listed.stdout

    def stop(self):
        self._server.terminate()
        self._server.wait(10)
        shutil.rmtree(self._home, ignore_errors=True)

    @contextlib.contextmanager
    def recording(self):
        """Yields what `Recording` has so far, and goes on until the end of the block."""
        recorder = self._run(
            "recording", "parec", "--device=loudspeaker.monitor", f"--rate={RATE}", "--channels=2", "--format=s16le",
            "--raw", "--latency-msec=20")
        recording = Recording(self._home / "recording")
        try:
            wait_for(lambda: recording.seconds > 0, 20, "the recorder")
            yield recording
        finally:
            recorder.terminate()
            recorder.wait(10)


class Recording:
    def __init__(self, path):
        self._path = path

    @property
    def seconds(self):
        return self._path.stat().st_size / (RATE * 4)

    def began(self):
        """When its first sample was played, in seconds since 1970. Samples arrive late, in steps of 20 ms: of the readings
        of half a second the earliest is nearest."""
        readings, end = [], time.time() + 0.5
        while time.time() < end:
            readings.append(time.time() - self.seconds)
        return min(readings)

    def samples(self):
        """Of the left channel, 16 bits each."""
        values = numpy.fromfile(self._path, "<i2")
        return values[: len(values) // 2 * 2 : 2]
