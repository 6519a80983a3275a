"""The same ten minutes of seeded noise in each format that browsers play, and where in them a recording is."""

import subprocess
from dataclasses import dataclass

import numpy

from noise import RATE

SECONDS = 600
# Of pink noise, because encoders drop what is high and loud. Its moments differ as much as white noise's do.
SOURCE = f"anoisesrc=duration={SECONDS}:color=pink:seed=7:sample_rate={RATE}:amplitude=0.4"


@dataclass(frozen=True)
class Format:
    name: str
    suffix: str
    type: str
    encoder: tuple

    def encode(self, folder):
        file = folder / f"{self.name}.{self.suffix}"
        ffmpeg("-f", "lavfi", "-i", SOURCE, "-ac", "2", *self.encoder, "-map_metadata", "-1", str(file))
        return file


FORMATS = [
    Format("wav", "wav", "audio/wav", ("-c:a", "pcm_s16le")),
    Format("flac", "flac", "audio/flac", ("-c:a", "flac")),
    Format("mp3", "mp3", "audio/mpeg", ("-c:a", "libmp3lame", "-b:a", "192k")),
    # Without a table of positions in it.
    Format("mp3-vbr", "mp3", "audio/mpeg", ("-c:a", "libmp3lame", "-q:a", "2", "-write_xing", "0")),
    # What a browser needs first is at the file's end, or at its start.
    Format("m4a-index-last", "m4a", "audio/mp4", ("-c:a", "aac", "-b:a", "192k")),
    Format("m4a-index-first", "m4a", "audio/mp4", ("-c:a", "aac", "-b:a", "192k", "-movflags", "+faststart")),
    Format("vorbis", "ogg", "audio/ogg", ("-c:a", "libvorbis", "-q:a", "6")),
    Format("opus", "ogg", "audio/ogg", ("-c:a", "libopus", "-b:a", "192k")),
]


def ffmpeg(*arguments):
    done = subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-y", *arguments], capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def decoded(file):
    """One channel, 32-bit floats."""
    return numpy.frombuffer(ffmpeg("-i", str(file), "-f", "f32le", "-ac", "1", "-ar", str(RATE), "-"), "<f4")


class Reference:
    """A track as a decoder gives it, found again in a recording by correlation: two decoders differ in each sample."""

    WINDOW = RATE // 20
    # Of noise, another moment has 0.1; the same moment by another decoder more than 0.9.
    ALIKE = 0.7

    def __init__(self, samples):
        self.samples = samples

    def offsets(self, recorded, second):
        """For each 50 ms of the recording how many samples it is behind the track, or None where it is no part of it.
        It begins some seconds from `second` of the track."""
        recorded, near, reach, offsets = recorded.astype("f4"), None, 10 * RATE, []
        for at in range(0, len(recorded) - self.WINDOW, self.WINDOW):
            around = second * RATE if near is None else near + at
            found = self._find(recorded[at : at + self.WINDOW], around, reach)
            offsets.append(None if found is None else found - at)
            if found is not None:
                near, reach = found - at, RATE
        return offsets

    def _find(self, window, around, reach):
        """The position in the track, at most `reach` from `around`; both in samples."""
        first = max(0, around - reach)
        part = self.samples[first : around + reach + self.WINDOW]
        if len(part) < self.WINDOW or not window.any():
            return None
        size = 1 << (len(part) + len(window)).bit_length()
        product = numpy.fft.irfft(numpy.fft.rfft(part, size) * numpy.fft.rfft(window[::-1], size), size)
        energies = numpy.concatenate(([0], numpy.cumsum(part.astype("f8") ** 2)))
        norms = numpy.sqrt(numpy.maximum(energies[self.WINDOW :] - energies[: -self.WINDOW], 1e-12))
        # Each place by its own loudness: a louder one would otherwise be taken for a quiet one that is alike.
        alike = product[self.WINDOW - 1 : len(part)] / (norms * numpy.linalg.norm(window))
        at = int(alike.argmax())
        return first + at if alike[at] > self.ALIKE else None
