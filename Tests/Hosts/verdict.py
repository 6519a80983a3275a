"""What holds of the answers in each row: which faults a row has makes no difference."""

import bisect
import collections
from dataclasses import dataclass
from http.client import HTTPException

from harness.wire import fetch
from people import ALLOWANCE, object_key

HOSTS = 3
MINUTE_S = 60
# URLs of a row that are opened.
OPENED = 30


@dataclass(frozen=True)
class Verdict:
    samples: list
    revocations: list
    # When the fault began.
    since: float

    @property
    def statuses(self):
        return collections.Counter(kind_of(sample) for sample in self.samples)

    def others(self):
        """Statuses and errors that have no column of their own."""
        return collections.Counter(sample.status for sample in self.samples if kind_of(sample) == "other")

    def wrong(self):
        """Answers that no fault explains."""
        return collections.Counter(filter(None, map(flaw, self.samples)))

    def failed(self):
        """Requests without the answer that they would have had."""
        return [sample for sample in self.samples if sample.status not in (200, 403, 429)]

    def stale(self):
        return [revocation for revocation in self.revocations if revocation.is_stale]

    def slowest(self):
        """From sending to the answer."""
        return max((sample.milliseconds / 1000 for sample in self.samples if sample.answer), default=0)

    def longest_gap(self):
        """Between two requests in a row that were answered 200."""
        moments = [self.since, *sorted(
            sample.started for sample in self.samples if sample.status == 200 and sample.started >= self.since)]
        return max((later - earlier for earlier, later in zip(moments, moments[1:])), default=0)

    def well_after(self):
        """From the fault's beginning to the last request that failed."""
        return max((0, *(sample.started - self.since for sample in self.failed())))

    def most_within_a_minute(self):
        """Requests that the rate limit let one user have."""
        passed = collections.defaultdict(list)
        for sample in self.samples:
            if sample.answer and sample.status != 429 and sample.answer.header("RateLimit-Policy"):
                passed[sample.tag.user].append(sample.started)
        return max((most_in_window(sorted(moments), MINUTE_S) for moments in passed.values()), default=0)

    def most_allowed(self):
        return ALLOWANCE * (1 + 1 / HOSTS)

    def unopened(self):
        """What became of URLs that the store refused, of the last ones; each object holds its track's id."""
        last = [sample for sample in self.samples if sample.status == 200][-OPENED:]
        found = collections.Counter()
        for sample in last:
            try:
                answer = fetch(sample.answer.json()["streamUrl"], {"Range": "bytes=0-25"})
            except (OSError, HTTPException) as failure:
                found[repr(failure)] += 1
                continue
            if answer.status != 206 or answer.body.decode() != sample.tag.track.id:
                found[answer.status] += 1
        return found


def kind_of(sample):
    return sample.status if sample.status in (200, 403, 429, 503) else "other"


def most_in_window(moments, seconds):
    return max(bisect.bisect_left(moments, moment + seconds) - at for at, moment in enumerate(moments))


def flaw(sample):
    expected = sample.tag
    if sample.answer is None or sample.status in (502, 503, 504):
        return None
    if sample.status == 200:
        if expected.track is None:
            return "a URL for a listener without access"
        is_own = object_key(sample.answer.json()["streamUrl"]) == expected.track.object_key
        return None if is_own else "a URL of another track"
    if sample.status == 403 and expected.track is None:
        return None
    if sample.status == 429 and expected.kind == "greedy":
        return None
    return f"{sample.status} for one who is {expected.kind}"
