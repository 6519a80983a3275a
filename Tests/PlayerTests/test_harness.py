"""That the harness hears what is missing."""

import numpy

from noise import RATE, joints


def test_hole_of_40_ms_is_found_at_its_place(original):
    at, hole = 7 * RATE, RATE * 40 // 1000
    recorded = numpy.concatenate([
        numpy.zeros(500, "<i2"), original.samples[:at], original.samples[at + hole : 12 * RATE]])
    passages = original.passages(recorded)
    assert [(joint.at, joint.missing, joint.gap) for joint in joints(passages)] == [(at, hole, 0)]


def test_silence_and_repetition_are_found(original):
    at = 5 * RATE
    silence = numpy.zeros(1000, "<i2")
    recorded = numpy.concatenate([original.samples[:at], silence, original.samples[at - 300 : 9 * RATE]])
    assert [(joint.at, joint.missing, joint.gap) for joint in joints(original.passages(recorded))] == [(at, -300, 1000)]
