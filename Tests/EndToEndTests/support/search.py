"""Finds any of very many secrets, in any of their forms, in large texts."""

from collections import defaultdict
from dataclasses import dataclass

from support.encodings import forms

# Every STEP-th word of a text is looked up, so that an occurrence of STEP + WORD - 1 bytes or more has one that is.
WORD = STEP = 8
# A whole secret is found by its end; a line that was cut has its beginning.
LONGEST = 96


@dataclass(frozen=True, order=True)
class Finding:
    """Where a secret is, and what it is; never the secret itself."""

    place: str
    line: int
    kind: str

    def __str__(self):
        return f"{self.place}:{self.line}: {self.kind}"


class Search:
    def __init__(self, kinds):
        self._words = defaultdict(list)
        self._short = {}
        for secret, kind in kinds.items():
            for form in {form for part in (secret[:LONGEST], secret[-LONGEST:]) for form in forms(part)}:
                if len(form) < WORD + STEP - 1:
                    self._short[form] = kind
                    continue
                for offset in range(STEP):
                    self._words[int.from_bytes(form[offset:offset + WORD], "little")].append((offset, form, kind))
        self._keys = set(self._words)

    def findings(self, place, text):
        """Each line and kind once."""
        return sorted({Finding(place, text.count(b"\n", 0, start) + 1, kind) for start, kind in self._occurrences(text)})

    def _occurrences(self, text):
        for form, kind in self._short.items():
            start = text.find(form)
            while start >= 0:
                yield start, kind
                start = text.find(form, start + 1)
        # The words of the text as numbers; what is left over at its end is filled up.
        numbers = memoryview(text + bytes(-len(text) % WORD)).cast("Q").tolist()
        if self._keys.isdisjoint(numbers):
            return
        for index, number in enumerate(numbers):
            for offset, form, kind in self._words.get(number, ()):
                start = index * WORD - offset
                if start >= 0 and text.startswith(form, start):
                    yield start, kind
