import TestSupport
import Testing

@testable import EventLoop

@Suite struct TimerQueueTests {
    private let start = ContinuousClock.now

    private func after(_ milliseconds: Int) -> ContinuousClock.Instant {
        start.advanced(by: .milliseconds(milliseconds))
    }

    private func popAll(_ queue: inout TimerQueue<Int>, at now: ContinuousClock.Instant) -> [Int] {
        var actions: [Int] = []
        while let action = queue.popDue(at: now) { actions.append(action) }
        return actions
    }

    @Test func actionsRunInTheOrderOfTheirTimes() {
        var queue = TimerQueue<Int>()
        for milliseconds in [5, 1, 4, 2, 3] { _ = queue.add(milliseconds, due: after(milliseconds)) }
        #expect(queue.next == after(1))
        #expect(popAll(&queue, at: after(3)) == [1, 2, 3])
        #expect(popAll(&queue, at: after(10)) == [4, 5])
        #expect(queue.next == nil)
    }

    @Test func actionsOfEqualTimesRunInTheOrderOfTheirAddition() {
        var queue = TimerQueue<Int>()
        for number in 0..<100 { _ = queue.add(number, due: after(1)) }
        #expect(popAll(&queue, at: after(1)) == Array(0..<100))
    }

    @Test func cancelledActionDoesNotRunAndDoesNotSetTheNextTime() {
        var queue = TimerQueue<Int>()
        let first = queue.add(1, due: after(1))
        _ = queue.add(2, due: after(2))
        queue.cancel(first)
        queue.cancel(first)
        #expect(queue.next == after(2) && queue.count == 1)
        #expect(popAll(&queue, at: after(5)) == [2])
    }

    @Test func randomUseEqualsASortedList() {
        var queue = TimerQueue<Int>(), expected: [(due: Int, number: Int)] = [], ids: [Int: UInt64] = [:]
        var random = SeededRandom(seed: 7)
        for number in 0..<5000 {
            let due = Int(random.next() % 1000)
            ids[number] = queue.add(number, due: after(due))
            expected.append((due, number))
            if random.next() % 3 == 0, let victim = expected.randomElement(using: &random) {
                queue.cancel(ids[victim.number]!)
                expected.removeAll { $0.number == victim.number }
            }
        }
        #expect(
            popAll(&queue, at: after(1000))
                == expected.sorted { ($0.due, $0.number) < ($1.due, $1.number) }.map(\.number))
    }
}
