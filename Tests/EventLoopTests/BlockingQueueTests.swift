import Resilience
import TestSupport
import Testing

@testable import EventLoop

@Suite struct BlockingQueueTests {
    @Test func stoppedQueueEndsItsThreadAndDropsPendingWork() {
        let (begun, mayEnd, ran) = (Locked(false), ConditionLocked(false), Locked(0))
        let queue = BlockingQueue(name: "t-queue-stop")
        queue.run {
            begun.withLock { $0 = true }
            mayEnd.wait { $0 ? .done(()) : .wait(until: nil) }
        }
        queue.run { ran.withLock { $0 += 1 } }
        #expect(eventually { begun.withLock { $0 } })
        queue.stop()
        // The job that is under way goes on.
        #expect(!queue.join(by: Deadline(after: .milliseconds(10))))
        mayEnd.withLock { $0 = true }
        mayEnd.wakeAll()
        #expect(queue.join(by: Deadline(after: .seconds(20))))
        #expect(eventually { ThreadNames.count("t-queue-stop") == 0 })
        queue.run { ran.withLock { $0 += 1 } }
        #expect(ran.withLock { $0 } == 0)
    }

    @Test func unreferencedQueueEndsItsThread() {
        let ran = Locked(false)
        do {
            let queue = BlockingQueue(name: "t-queue-drop")
            queue.run { ran.withLock { $0 = true } }
            #expect(eventually { ran.withLock { $0 } })
        }
        #expect(eventually { ThreadNames.count("t-queue-drop") == 0 })
    }
}
