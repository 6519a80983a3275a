/// One part of an installation, which can be looked at, made and undone.
protocol SetupStep {
    /// In a few words.
    var title: String { get }
    /// Whether it only tries something: it is done in each run, and in none that changes nothing.
    var isTrial: Bool { get }
    /// What `apply` will do.
    func describe() throws(SetupFailure) -> String
    /// Changes nothing. False where it cannot be known because an earlier step is not done.
    func isDone() throws(SetupFailure) -> Bool
    /// All of it or nothing.
    /// - Returns: what it did.
    func apply() throws(SetupFailure) -> String
    /// - Parameter withData: also what cannot be made again: the schema with its rows, the key ring.
    /// - Returns: what it did; nil where there is nothing to undo.
    func undo(withData: Bool) throws(SetupFailure) -> String?
}

extension SetupStep {
    var isTrial: Bool { false }
    func undo(withData: Bool) throws(SetupFailure) -> String? { nil }
}

/// The steps in their order.
struct SetupPlan {
    enum Verdict: String {
        case ok, changed, unchanged, failed
        case wouldChange = "would change"
        case skipped
    }

    let steps: [any SetupStep]
    /// Called after each step.
    let report: (_ title: String, Verdict, _ detail: String) -> Void

    /// Ends with the first step that fails.
    /// - Parameter completed: called after a step that has changed something, to keep what it has made.
    /// - Returns: how many steps have changed something, or would.
    func apply(isDryRun: Bool, completed: () throws(SetupFailure) -> Void) throws(SetupFailure) -> Int {
        var changes = 0
        for step in steps {
            try reportingFailure(step) { () throws(SetupFailure) in
                if step.isTrial {
                    guard !isDryRun else { return report(step.title, .skipped, try step.describe()) }
                    return report(step.title, .ok, try step.apply())
                }
                guard try !step.isDone() else { return report(step.title, .unchanged, "") }
                changes += 1
                guard !isDryRun else { return report(step.title, .wouldChange, try step.describe()) }
                let detail = try step.apply()
                try completed()
                report(step.title, .changed, detail)
            }
        }
        return changes
    }

    /// From the last step to the first.
    func undo(withData: Bool, completed: () throws(SetupFailure) -> Void) throws(SetupFailure) -> Int {
        var changes = 0
        for step in steps.reversed() where !step.isTrial {
            try reportingFailure(step) { () throws(SetupFailure) in
                guard let detail = try step.undo(withData: withData) else { return }
                changes += 1
                try completed()
                report(step.title, .changed, detail)
            }
        }
        return changes
    }

    private func reportingFailure(
        _ step: any SetupStep, _ body: () throws(SetupFailure) -> Void
    ) throws(SetupFailure) {
        do {
            try body()
        } catch {
            report(step.title, .failed, error.description)
            var reported = error
            reported.isReported = true
            throw reported
        }
    }
}
