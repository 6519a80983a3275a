import Glibc
import Resilience
import TestSupport
import Testing

@Suite struct ConditionLockedTests {
    @Test func changeWakesEveryWaitingThread() {
        let (count, asked) = (ConditionLocked(0), Locked(0))
        let waiting = Threads(4) {
            asked.withLock { $0 += 1 }
            return count.wait { $0 == 3 ? .done($0) : .wait(until: nil) }
        }
        while asked.withLock({ $0 }) < 4 { sched_yield() }
        for _ in 0..<3 {
            count.withLock { $0 += 1 }
            count.wakeAll()
        }
        #expect(waiting.results() == [3, 3, 3, 3])
    }

    @Test func conditionThatHoldsDoesNotWait() {
        #expect(ConditionLocked(["a"]).wait { $0.popLast().map { .done($0) } ?? .wait(until: nil) } == "a")
    }

    @Test func waitEndsAtItsDeadlineAndNotBefore() {
        let deadline = Deadline(after: .milliseconds(30))
        var asked = 0
        ConditionLocked(0).wait { _ in
            asked += 1
            return deadline.isPast ? .done(()) : .wait(until: deadline.instant)
        }
        // Nothing changed: it asked at first, at the moment, and where the kernel woke it for nothing.
        #expect((2...10).contains(asked))
    }

    @Test func pastDeadlineDoesNotWait() {
        let past = ContinuousClock.now.advanced(by: .seconds(-3600))
        #expect(
            ConditionLocked(0).wait { asked in
                asked += 1
                return asked > 2 ? .done(asked) : .wait(until: past)
            } == 3)
    }

    /// One of them, or another one that was just about to ask: each item is taken once, and no thread sleeps beside a
    /// full table.
    @Test func everyItemIsTakenOnce() {
        let items = ConditionLocked([Int]())
        let takers = Threads(4) {
            (0..<500).map { _ in items.wait { $0.popLast().map { .done($0) } ?? .wait(until: nil) } }
        }
        for item in 0..<2000 {
            items.withLock { $0.append(item) }
            items.wakeOne()
        }
        #expect(takers.results().flatMap { $0 }.sorted() == Array(0..<2000))
    }
}
