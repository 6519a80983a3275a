import Foundation
import Resilience
import TestSupport
import Testing

@Suite struct WorkerThreadTests {
    @Test func joinedThreadHasDoneItsWork() {
        let done = Locked(false)
        let thread = WorkerThread(name: "t-joined") { done.withLock { $0 = true } }
        thread.join()
        #expect(done.withLock { $0 })
        #expect(eventually { ThreadNames.count("t-joined") == 0 })
        // A second call finds it ended.
        thread.join()
        #expect(thread.join(by: Deadline(after: .zero)))
    }

    @Test func joinOfARunningThreadEndsAtItsDeadline() {
        let mayEnd = ConditionLocked(false)
        let thread = WorkerThread(name: "t-blocked") { mayEnd.wait { $0 ? .done(()) : .wait(until: nil) } }
        #expect(!thread.join(by: Deadline(after: .milliseconds(10))))
        #expect(ThreadNames.count("t-blocked") == 1)
        mayEnd.withLock { $0 = true }
        mayEnd.wakeAll()
        #expect(thread.join(by: Deadline(after: .seconds(20))))
        #expect(eventually { ThreadNames.count("t-blocked") == 0 })
    }

    @Test func unreferencedThreadContinues() {
        let mayEnd = ConditionLocked(false)
        let ended = Locked(false)
        _ = WorkerThread(name: "t-detached") {
            mayEnd.wait { $0 ? .done(()) : .wait(until: nil) }
            ended.withLock { $0 = true }
        }
        #expect(!ended.withLock { $0 })
        mayEnd.withLock { $0 = true }
        mayEnd.wakeAll()
        #expect(eventually { ended.withLock { $0 } && ThreadNames.count("t-detached") == 0 })
    }

    /// A thread that is neither joined nor detached keeps its stack after its end.
    @Test func unreferencedThreadsFreeTheirStacks() throws {
        func stacks() throws -> Int {
            try String(contentsOfFile: "/proc/self/maps", encoding: .utf8).split(separator: "\n").count
        }
        func run(_ count: Int) {
            for _ in 0..<count {
                let ended = Locked(false)
                _ = WorkerThread(name: "t-short") { ended.withLock { $0 = true } }
                #expect(eventually { ended.withLock { $0 } && ThreadNames.count("t-short") == 0 })
            }
        }
        run(5)
        let before = try stacks()
        run(400)
        // Each stack is a mapping with a guard page before it: 800 in all. Other tests run meanwhile.
        #expect(try stacks() < before + 400)
    }
}
