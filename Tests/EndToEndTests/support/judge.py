"""Whether answers were true at some moment between the question and the answer."""

from dataclasses import dataclass, replace
from math import inf

from support.facts import Listener, Outcome


@dataclass(frozen=True)
class Observation:
    """An answer, and when it was asked for and received."""

    listener: Listener
    track: str
    started: float
    ended: float
    outcome: Outcome

    def later(self, seconds):
        """The same answer from a service whose knowledge is that old."""
        return replace(self, started=self.started + seconds, ended=self.ended + seconds)


class Judge:
    def __init__(self, timeline):
        self._timeline = timeline
        # By what was asked and when: each answer is judged in several ways.
        self._known = {}

    def is_explained(self, observation):
        return observation.outcome in self._possible(observation)

    def contradictions(self, observations):
        """A sentence for each answer that nothing explains."""
        return [self._sentence(observation) for observation in observations if not self.is_explained(observation)]

    def is_undecided(self, observation):
        """Whether a change made during the question leaves more than one answer right."""
        return len(self._possible(observation)) > 1

    def is_fresh(self, observation, seconds):
        """Whether another answer would have been right had it been asked so much earlier."""
        earlier = self._timeline.outcomes(
            observation.listener, observation.track, observation.started - seconds, observation.ended)
        return earlier != self._possible(observation)

    def _possible(self, observation):
        listener, track = observation.listener, observation.track
        started, ended = observation.started, observation.ended
        asked = listener, track, started, ended
        if asked not in self._known:
            self._known[asked] = self._timeline.outcomes(listener, track, started, ended)
        return self._known[asked]

    def _sentence(self, observation):
        listener, track, started = observation.listener, observation.track, observation.started
        state = self._timeline.bringer(listener, track, started)
        possible = " or ".join(sorted(map(str, self._possible(observation))))
        since = "with nothing changed but the time"
        if state.finished > -inf:
            since = f"{(started - state.finished) * 1000:.2f} ms after '{state.change}' was committed"
        return (
            f"{observation.outcome} instead of {possible} for user {listener.user} and track {track}: asked {since},"
            f" answered within {(observation.ended - started) * 1000:.2f} ms")
