"""Finds any of very many secrets, in any of their forms, in large texts."""

from dataclasses import dataclass

from harness.encodings import forms

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
        # Of each form, the kinds of the secrets that have it. Many secrets begin alike: a part that they share is
        # encoded once.
        self._kinds = {}
        for part, kind in {
            (part, kind) for secret, kind in kinds.items() for part in (secret[:LONGEST], secret[-LONGEST:])}:
            for form in forms(part):
                known = self._kinds.get(form, ())
                self._kinds[form] = known if kind in known else (*known, kind)
        self._short = []
        # How far from a form's beginning a word is, a bit for each distance; and the lengths of the forms that begin
        # with a word.
        self._offsets, self._lengths = {}, {}
        for form in self._kinds:
            if len(form) < WORD + STEP - 1:
                self._short.append(form)
                continue
            known = self._lengths.get(form[:WORD], ())
            self._lengths[form[:WORD]] = known if len(form) in known else (*known, len(form))
            for offset in range(STEP):
                word = int.from_bytes(form[offset : offset + WORD], "little")
                self._offsets[word] = self._offsets.get(word, 0) | 1 << offset

    def findings(self, place, text):
        """Each line and kind once."""
        return sorted({
            Finding(place, text.count(b"\n", 0, start) + 1, kind) for start, form in self._occurrences(text)
            for kind in self._kinds[form]})

    def _occurrences(self, text):
        for form in self._short:
            start = text.find(form)
            while start >= 0:
                yield start, form
                start = text.find(form, start + 1)
        # The words of the text as numbers; what is left over at its end is filled up.
        numbers = memoryview(text + bytes(-len(text) % WORD)).cast("Q").tolist()
        if self._offsets.keys().isdisjoint(numbers):
            return
        for index, number in enumerate(numbers):
            if offsets := self._offsets.get(number):
                for start in (
                    index * WORD - offset for offset in range(min(STEP, index * WORD + 1)) if offsets >> offset & 1):
                    yield from self._forms_at(start, text)

    def _forms_at(self, start, text):
        for length in self._lengths.get(text[start : start + WORD], ()):
            form = text[start : start + length]
            if form in self._kinds:
                yield start, form
