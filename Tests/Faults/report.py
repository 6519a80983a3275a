"""Lines of a table as they come, and a count of what passed."""

from traffic import counts, percentile


class Report:
    def __init__(self):
        self.passed = self.failed = 0

    def part(self, name):
        print(f"\n== {name}", flush=True)

    def header(self):
        print(
            f"{'fault':<30}{'offered':>8}{'200':>7}{'503':>7}{'other':>7}{'p50 ms':>9}{'p99 ms':>9}"
            f"{'well after s':>14}", flush=True)

    def row(self, name, samples, recovery):
        seen = counts(samples)
        other = sum(seen.values()) - seen[200] - seen[503]
        times = [sample.milliseconds for sample in samples]
        after = "-" if recovery is None else f"{recovery:.2f}"
        print(
            f"{name:<30}{len(samples):>8}{seen[200]:>7}{seen[503]:>7}{other:>7}{percentile(times, 0.5):>9.1f}"
            f"{percentile(times, 0.99):>9.1f}{after:>14}", flush=True)

    def note(self, text):
        print(f"  {text}", flush=True)

    def check(self, description, is_so):
        if is_so:
            self.passed += 1
        else:
            self.failed += 1
            print(f"  FAILED: {description}", flush=True)

    def finish(self):
        print(f"\nfaults: {self.passed} passed, {self.failed} failed", flush=True)
        return 0 if self.failed == 0 else 1
