"""What the service wrote while things were broken."""

from harness import evidence, written
from harness.search import Search

CHUNK_BYTES = 8 << 20


def leaks(bench, report, options):
    """No log holds a secret: each of the stack's, in each encoding, and none of the URLs that were issued."""
    search = Search(bench.secrets)
    for path in sorted({*written.logs(bench.stack), *evidence.files()}):
        found, size, name = set(), path.stat().st_size, path.relative_to(bench.stack.state)
        with open(path, "rb") as log:
            while lines := log.readlines(CHUNK_BYTES):
                text = b"".join(lines)
                found |= {finding.kind for finding in search.findings(path.name, text)}
                if written.SHAPE_OF_A_SECRET.search(text):
                    found.add("shape of a secret")
        report.check(f"no secret in {name}: {sorted(found)}", not found)
        report.note(f"{name}: {size / 1e6:.1f} MB, {len(bench.secrets)} secrets")
