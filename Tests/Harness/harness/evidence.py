"""What the outside saw of the service: answers that may hold no secret, and files that outlive the tests that made
them."""

import contextlib
import re
from pathlib import Path

_texts: dict[str, list[bytes]] = {}
_files: set[Path] = set()
_answers: set[tuple[str, int, frozenset[str], str | None]] = set()
OPERATIONS = ("/metrics", "/readyz", "/healthz")
# Headers that HTTP itself needs.
OF_HTTP = {"server", "content-type", "content-length", "connection", "transfer-encoding", "keep-alive"}


def keep_answer(target, answer):
    """Operations' answers, and every error; of all answers their kind."""
    path = target.partition("?")[0]
    _answers.add((
        re.sub(r"^/tracks/[^/]+/stream$", "/tracks/ID/stream", path), answer.status,
        frozenset(name.lower() for name, _ in answer.headers) - OF_HTTP, problem_type(answer)))
    kind = path if path in OPERATIONS else f"answers {answer.status}" if answer.status != 200 else None
    if kind:
        headers = "".join(f"{name}: {value}\t" for name, value in answer.headers).encode("latin-1", "replace")
        keep(kind, headers + answer.body.replace(b"\n", b"\t" if kind.startswith("answers") else b"\n"))


def problem_type(answer):
    """None for what is no problem."""
    if answer.header("Content-Type") != "application/problem+json":
        return None
    with contextlib.suppress(ValueError, AttributeError):
        return answer.json().get("type")


def answers():
    """Path, status, names of headers and problem type, each combination once."""
    return set(_answers)


def keep(kind, text):
    _texts.setdefault(kind, []).append(text)


def keep_file(path):
    """A log that a test writes in a directory of its own."""
    _files.add(Path(path))


def texts():
    return {kind: b"\n".join(texts) for kind, texts in _texts.items()}


def files():
    return sorted(path for path in _files if path.exists())
