"""Hits and misses that are asked for while something is broken, and what the contract says of each answer."""

import collections
import itertools


def mixed(hits, misses, misses_in_ten=3):
    """Endless requests, each tagged "hit" or "miss", in this proportion; `hits` and `misses` are pairs of track and
    token."""
    hits, misses = itertools.cycle(hits), iter(misses)
    for kind in itertools.cycle(["miss"] * misses_in_ten + ["hit"] * (10 - misses_in_ten)):
        track, token = next(misses if kind == "miss" else hits)
        yield track, token, kind


def flaw(sample):
    """What the contract does not allow about it, during every fault: it wants a URL, or problem details with a time to
    come back at."""
    answer = sample.answer
    if answer is None:
        return f"no answer: {sample.error}"
    try:
        body = answer.json()
    except ValueError:
        return f"{answer.status} without JSON"
    if answer.status == 200:
        return None if body["streamUrl"].startswith("http") and len(body) == 5 else "200 without a URL"
    if answer.header("Content-Type") != "application/problem+json" or body["status"] != answer.status:
        return f"{answer.status} without problem details"
    if answer.status == 503 and not (answer.header("Retry-After") or "").isdigit():
        return "503 without Retry-After"
    return None


def flaws(samples):
    return {found for found in map(flaw, samples) if found}


def retry_after(sample):
    """Seconds."""
    return int(sample.answer.header("Retry-After"))


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def counts(samples):
    return collections.Counter(sample.status for sample in samples)
