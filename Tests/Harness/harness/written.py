"""All that the service wrote or answered in the run, and whatever secrets are in it."""

import re

from harness import canaries, evidence

# PostgreSQL, Redis and the store keep their own logs, which are their administrators': they hold the keys and titles of
# the statements and requests that fail, and only people who may read the rows may read them. tests.log is what the
# local scripts say.
OURS = ("responder*.log", "nginx*.log", "access*.log", "tests.log")

# A presigned URL, a header with a token, a token.
SHAPE_OF_A_SECRET = re.compile(rb"X-Amz-|[Bb]earer |eyJ[A-Za-z0-9_-]{10}")


def logs(stack):
    return sorted({path for pattern in OURS for path in (stack.state / "log").glob(pattern)})


def findings_in_logs(search, stack):
    files = set(logs(stack)) | set(evidence.files())
    return [finding for path in sorted(files) for finding in search.findings(str(path), path.read_bytes())]


def findings(search, stack):
    found = findings_in_logs(search, stack)
    for kind, text in evidence.texts().items():
        # `instance` gives a client its own path back.
        found += [finding for finding in search.findings(kind, text) if finding.kind != canaries.OWN_PATH]
    return found
