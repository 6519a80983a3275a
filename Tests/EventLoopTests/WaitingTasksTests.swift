import Resilience
import TestSupport
import Testing

@testable import EventLoop

@Suite struct WaitingTasksTests {
    private let running = RunningLoop()
    private let later = ContinuousClock.now.advanced(by: .seconds(600))

    @Test func tasksGetTheirValuesInTheOrderOfTheirArrival() async {
        let order = await running.run { [later] loop in
            let tasks = WaitingTasks<Int>(loop), order = Locked<[String]>([])
            for name in ["a", "b", "c"] {
                loop.task { @Sendable in
                    let value = await tasks.value(by: later)
                    order.withLock { $0.append("\(name)\(value ?? 0)") }
                }
            }
            _ = await loop.turnsPass { tasks.count == 3 }
            let resumed = (1...4).map { tasks.resumeFirst($0) }
            #expect(resumed == [true, true, true, false] && tasks.count == 0)
            _ = await loop.turnsPass { order.withLock { $0.count == 3 } }
            return order.withLock { $0 }
        }
        #expect(order == ["a1", "b2", "c3"])
    }

    @Test func taskThatTimedOutTakesNoValue() async {
        let values = await running.run { [later] loop in
            let tasks = WaitingTasks<Int>(loop), second = Promise<Int?>()
            async let first = tasks.value(by: .now.advanced(by: .milliseconds(5)))
            loop.task { @Sendable in second.keep(await tasks.value(by: later)) }
            let gaveUp = await first
            _ = await loop.turnsPass { tasks.count == 1 }
            #expect(tasks.resumeFirst(7))
            return [gaveUp, await second.value()]
        }
        #expect(values == [nil, 7])
    }

    @Test func abandonedWaitEndsBeforeItsDeadline() async {
        let value = await running.run { [later] loop in
            let tasks = WaitingTasks<Int>(loop)
            let value = await tasks.value(by: later) { giveUp in _ = loop.schedule(at: .now) { giveUp() } }
            #expect(tasks.count == 0 && !tasks.resumeFirst(1))
            return value
        }
        #expect(value == nil)
    }

    @Test func valueReceivedBeforeTheAbandonmentIsReturned() async {
        let value = await running.run { [later] loop in
            let tasks = WaitingTasks<Int>(loop)
            return await tasks.value(by: later) { giveUp in
                _ = loop.schedule(at: .now) {
                    tasks.resumeAll(1)
                    giveUp()
                }
            }
        }
        #expect(value == 1)
    }

    @Test func pastDeadlineDoesNotWait() async {
        let value = await running.run { loop in await WaitingTasks<Int>(loop).value(by: .now) }
        #expect(value == nil)
    }

    @Test func everyWaitingTaskGetsTheSameValue() async {
        let values = await running.run { [later] loop in
            let tasks = WaitingTasks<Int>(loop)
            return await withTaskGroup(of: Int?.self) { group in
                for _ in 0..<100 { group.addTask { await tasks.value(by: later) } }
                _ = await loop.turnsPass { tasks.count == 100 }
                tasks.resumeAll(3)
                return await group.reduce(into: []) { $0.append($1) }
            }
        }
        #expect(values == Array(repeating: 3, count: 100))
    }
}
