/// One line of `check`.
struct CheckFinding: Equatable {
    enum Verdict: String {
        case ok, warning, failed
        /// It could not be tried, for a reason that another line has.
        case skipped
    }

    let subject: String
    let verdict: Verdict
    let detail: String

    init(_ subject: String, _ verdict: Verdict, _ detail: String) {
        self.subject = subject
        self.verdict = verdict
        self.detail = detail
    }
}
