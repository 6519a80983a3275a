"""Lines of a table as they come, and a count of what passed."""


class Report:
    def __init__(self):
        self.passed = self.failed = 0

    def note(self, text):
        print(f"  {text}", flush=True)

    def header(self):
        print(
            f"{'':<34}{'offered':>8}{'200':>7}{'403':>6}{'429':>6}{'503':>6}{'other':>6}{'slowest':>9}{'gap s':>7}"
            f"{'well s':>8}{'minute':>8}{'revoked':>9}", flush=True)

    def row(self, name, verdict, is_planned):
        """A line, and what must be so."""
        seen = verdict.statuses
        revoked = f"{sum(one.is_right for one in verdict.revocations)}/{len(verdict.revocations)}"
        print(
            f"{name:<34}{len(verdict.samples):>8}{seen[200]:>7}{seen[403]:>6}{seen[429]:>6}{seen[503]:>6}"
            f"{seen['other']:>6}{verdict.slowest():>9.2f}{verdict.longest_gap():>7.2f}{verdict.well_after():>8.2f}"
            f"{verdict.most_within_a_minute():>8}{revoked:>9}", flush=True)
        if others := verdict.others():
            self.note(f"other: {', '.join(f'{count} {what}' for what, count in others.most_common(4))}")
        wrong, stale, unopened = verdict.wrong(), verdict.stale(), verdict.unopened()
        self.check(f"{name}: no wrong answer: {dict(wrong)}", not wrong)
        self.check(f"{name}: no stale answer: {stale}", not stale)
        self.check(f"{name}: something was revoked, and refused for that", any(
            one.is_right for one in verdict.revocations))
        self.check(f"{name}: each URL opens its track's object: {dict(unopened)}", not unopened)
        self.check(
            f"{name}: no user has more than {verdict.most_allowed():.0f} requests within a minute:"
            f" {verdict.most_within_a_minute()}", verdict.most_within_a_minute() <= verdict.most_allowed())
        if is_planned:
            failed = verdict.failed()
            self.check(f"{name}: no request is lost: {[sample.status for sample in failed[:5]]}", not failed)

    def check(self, description, is_so):
        if is_so:
            self.passed += 1
        else:
            self.failed += 1
            print(f"  FAILED: {description}", flush=True)

    def finish(self):
        print(f"\nhosts: {self.passed} passed, {self.failed} failed", flush=True)
        return 0 if self.failed == 0 else 1
