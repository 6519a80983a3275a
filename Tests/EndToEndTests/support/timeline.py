"""States of the database, one after the other, with when each came into force: no sooner than its commit was sent, no
later than it was answered."""

from bisect import bisect_right
from dataclasses import dataclass
from math import inf

from support.facts import Facts


@dataclass(frozen=True)
class State:
    """`begun` and `finished` are of the commit that brought it; `change` says what that was."""

    begun: float
    finished: float
    change: str
    facts: Facts


class Timeline:
    """Changes follow each other: each begins after the one before has finished. The first facts are true since ever."""

    def __init__(self, facts):
        self.states = [State(-inf, -inf, "the beginning", facts)]
        self._begun, self._finished = [-inf], [-inf]

    @property
    def facts(self):
        """As they are now."""
        return self.states[-1].facts

    def append(self, begun, finished, change, facts):
        assert self._finished[-1] <= begun <= finished
        self.states.append(State(begun, finished, change, facts))
        self._begun.append(begun)
        self._finished.append(finished)

    def in_force(self, since, until):
        """States that were in force at some moment from `since` to `until`, each with the part of that time in which it
        may have been."""
        first = bisect_right(self._finished, since) - 1
        last = bisect_right(self._begun, until) - 1
        for index in range(first, last + 1):
            state = self.states[index]
            end = until if index == last else min(until, self._finished[index + 1])
            yield state, max(since, state.begun), end

    def outcomes(self, listener, track, since, until):
        """All that may be answered to a client that asks at `since` and gets the answer at `until`."""
        found, former = set(), None
        for state, start, end in self.in_force(since, until):
            about = state.facts.about(listener, track)
            # Most changes are of other rows; what the time decides is asked for each state.
            if about != former or (about[-1] and about[-1].ends):
                found |= state.facts.outcomes(listener, track, start, end)
            former = about
        return found

    def bringer(self, listener, track, moment):
        """The state that brought what was in force at that moment for this listener and track."""
        index = bisect_right(self._finished, moment) - 1
        outcomes = self.states[index].facts.outcomes(listener, track, moment, moment)
        while index and self.states[index - 1].facts.outcomes(listener, track, moment, moment) == outcomes:
            index -= 1
        return self.states[index]
