@testable import novatune_streamd
import Testing

@Suite struct SetupPlanTests {
    private final class Log {
        var lines: [String] = []
    }

    private final class Part: SetupStep {
        let title: String
        let isTrial: Bool
        let log: Log
        var isMade: Bool
        var fails: Bool

        init(_ title: String, _ log: Log, isMade: Bool = false, fails: Bool = false, isTrial: Bool = false) {
            (self.title, self.log, self.isMade, self.fails, self.isTrial) = (title, log, isMade, fails, isTrial)
        }

        func describe() -> String { "makes \(title)" }
        func isDone() -> Bool { isMade }
        func apply() throws(SetupFailure) -> String {
            if fails { throw SetupFailure("no \(title)", advice: "look") }
            log.lines.append("apply \(title)")
            isMade = true
            return "made"
        }
        func undo(withData: Bool) -> String? {
            guard isMade else { return nil }
            isMade = false
            log.lines.append("undo \(title)")
            return "undone"
        }
    }

    private let log = Log()

    private func plan(_ parts: [Part]) -> SetupPlan {
        SetupPlan(steps: parts) { [log] title, verdict, detail in
            log.lines.append("\(title) \(verdict.rawValue)\(detail.isEmpty ? "" : " \(detail)")")
        }
    }

    @Test func stepsAreDoneInOrderAndASecondRunChangesNothing() throws {
        let parts = [Part("a", log), Part("b", log, isMade: true), Part("c", log, isTrial: true)]
        var saved = 0
        #expect(try plan(parts).apply(isDryRun: false) { () throws(SetupFailure) in saved += 1 } == 1)
        #expect(log.lines == ["apply a", "a changed made", "b unchanged", "apply c", "c ok made"] && saved == 1)
        log.lines = []
        #expect(try plan(parts).apply(isDryRun: false) { () throws(SetupFailure) in saved += 1 } == 0)
        #expect(log.lines == ["a unchanged", "b unchanged", "apply c", "c ok made"] && saved == 1)
    }

    @Test func firstFailureEndsItAndTheNextRunGoesOnFromThere() throws {
        let parts = [Part("a", log), Part("b", log, fails: true), Part("c", log)]
        #expect(throws: SetupFailure("no b", advice: "look")) {
            try plan(parts).apply(isDryRun: false) { () throws(SetupFailure) in }
        }
        #expect(log.lines == ["apply a", "a changed made", "b failed no b; look"] && !parts[2].isMade)
        parts[1].fails = false
        #expect(try plan(parts).apply(isDryRun: false) { () throws(SetupFailure) in } == 2)
    }

    @Test func dryRunDescribesAndChangesNothing() throws {
        let parts = [Part("a", log), Part("b", log, isMade: true), Part("c", log, isTrial: true)]
        #expect(try plan(parts).apply(isDryRun: true) { () throws(SetupFailure) in } == 1)
        #expect(log.lines == ["a would change makes a", "b unchanged", "c skipped makes c"])
    }

    @Test func stepsAreUndoneFromTheLastToTheFirst() throws {
        let parts = [Part("a", log, isMade: true), Part("b", log), Part("c", log, isMade: true)]
        #expect(try plan(parts).undo(withData: false) { () throws(SetupFailure) in } == 2)
        #expect(log.lines == ["undo c", "c changed undone", "undo a", "a changed undone"])
    }
}
