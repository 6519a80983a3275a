"""The load generator, which asks for the hits as fast as they are answered."""

import statistics
from urllib.parse import urlsplit

from harness.generator import Generator


class Load:
    """Keeps its program, and the lists of what it asks for, in `directory`."""

    def __init__(self, directory, tokens, hit_lines):
        directory.mkdir(exist_ok=True)
        self._generator, self._tokens, self._hits = Generator(directory), directory / "tokens", directory / "hits"
        self._tokens.write_text("".join(f"{token}\n" for token in tokens))
        self._hits.write_text("".join(f"{line}\n" for line in hit_lines))

    def run(self, base_url, seconds, connections):
        return self._generator.ask(urlsplit(base_url).port, self._tokens, self._hits, seconds, connections)


def rate(result):
    return result["requests"] / result["seconds"]


def all_answered_200(result):
    return set(result["statuses"]) == {"200"} and result["errors"] == 0


# Throughput that hits keep while requests wait for what does not answer, and the rounds that show it.
KEPT, ROUNDS, ROUNDS_AT_MOST = 0.9, 5, 10


def check_kept(report, ratio_of_a_round):
    """Hits keep their throughput: the median of the rounds' ratios. `ratio_of_a_round` measures both sides in turn.

    On a shared machine a median of few rounds may be below it by chance. Where it is, as many rounds again are added to
    it: what is chance settles, and a real loss stays."""
    ratios = []
    while len(ratios) < ROUNDS_AT_MOST:
        ratios += [ratio_of_a_round() for _ in range(ROUNDS)]
        median = statistics.median(ratios)
        if median >= KEPT:
            break
    report.check(
        f"hits keep {KEPT:.0%} of their throughput: median ratio {median:.2f} of {len(ratios)} rounds", median >= KEPT)
