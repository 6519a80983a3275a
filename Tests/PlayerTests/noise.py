"""Tracks whose every moment is different, and where in them a recording is."""

import struct
from dataclasses import dataclass

import numpy

RATE = 48_000


def noise(seconds, seed=1):
    """16-bit samples of one channel, none of them 0: silence in a recording is no part of the track."""
    values = numpy.random.default_rng(seed).normal(0, 4_000, seconds * RATE).clip(-30_000, 30_000).astype("<i2")
    values[values == 0] = 1
    return values


def wav(samples):
    """RIFF WAVE, both channels alike."""
    audio = numpy.repeat(samples, 2).tobytes()
    layout = struct.pack("<IHHIIHH", 16, 1, 2, RATE, RATE * 4, 4, 16)
    return b"RIFF" + struct.pack("<I", 36 + len(audio)) + b"WAVEfmt " + layout + b"data" + struct.pack(
        "<I", len(audio)) + audio


@dataclass(frozen=True)
class Passage:
    """A part of the recording that equals a part of the track, to the last bit of each sample; all in samples."""

    recorded: int
    track: int
    length: int

    @property
    def end(self):
        return self.track + self.length


class Original:
    """The samples of a track, found again in a recording."""

    def __init__(self, samples):
        self.samples = samples
        keys = self._keys(samples)
        self._order = keys.argsort(kind="stable")
        self._sorted = keys[self._order]

    @staticmethod
    def _keys(samples):
        """Four samples each, as one number: of noise, no other four are alike."""
        wide = samples.astype(numpy.int64) & 0xFFFF
        return wide[:-3] | wide[1:-2] << 16 | wide[2:-1] << 32 | wide[3:] << 48

    def passages(self, recorded):
        """What of the track is in the recording, in its order; shorter than 1 ms is not counted."""
        passages, at, keys = [], 0, self._keys(recorded)
        found = self._sorted.searchsorted(keys).clip(max=len(self._sorted) - 1)
        candidates = numpy.flatnonzero(self._sorted[found] == keys)
        while len(candidates):
            at = int(candidates[0])
            position = int(self._order[found[at]])
            length = self._equal(recorded, at, position)
            if length >= RATE // 1000:
                passages.append(Passage(at, position, length))
            candidates = candidates[candidates.searchsorted(at + length) :]
        return passages

    def _equal(self, recorded, at, position):
        length = min(len(recorded) - at, len(self.samples) - position)
        # A browser computes with fractions, and may round a sample to its neighbour.
        distance = recorded[at : at + length].astype(numpy.int32) - self.samples[position : position + length]
        differing = numpy.flatnonzero(numpy.abs(distance) > 1)
        return int(differing[0]) if len(differing) else length


@dataclass(frozen=True)
class Joint:
    """Between two passages, in samples: how much of the track is missing (negative: it is there twice), and for how
    long none of it was recorded."""

    at: int
    missing: int
    gap: int


def joints(passages):
    return [
        Joint(former.end, later.track - former.end, later.recorded - former.recorded - former.length)
        for former, later in zip(passages, passages[1:])]
