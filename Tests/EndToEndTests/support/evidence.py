"""What the outside saw of the service: answers that may hold no secret, and files that outlive the tests that made them."""

from pathlib import Path

_texts: dict[str, list[bytes]] = {}
_files: set[Path] = set()
OPERATIONS = ("/metrics", "/readyz", "/healthz")


def keep_answer(target, answer):
    """Operations' answers, and every error."""
    path = target.partition("?")[0]
    kind = path if path in OPERATIONS else f"answers {answer.status}" if answer.status != 200 else None
    if kind:
        headers = "".join(f"{name}: {value}\t" for name, value in answer.headers).encode("latin-1", "replace")
        keep(kind, headers + answer.body.replace(b"\n", b"\t" if kind.startswith("answers") else b"\n"))


def keep(kind, text):
    _texts.setdefault(kind, []).append(text)


def keep_file(path):
    """A log that a test writes in a directory of its own."""
    _files.add(Path(path))


def texts():
    return {kind: b"\n".join(texts) for kind, texts in _texts.items()}


def files():
    return sorted(path for path in _files if path.exists())
