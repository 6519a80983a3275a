import Glibc
import Resilience
import TestSupport
import Testing

@Suite struct BulkheadTests {
    private let clock = ManualClock()
    private var bulkhead = Bulkhead(Bulkhead.Policy(limit: 2, patience: .milliseconds(250)))

    @Test mutating func asManyEnterAsThereArePlaces() {
        #expect(bulkhead.ask(at: clock.now) == .enter(place: 0))
        #expect(bulkhead.ask(at: clock.now) == .enter(place: 1))
        #expect(bulkhead.occupied == 2)
    }

    @Test mutating func furtherOnesWaitWhileTheOldestIsYoung() {
        let start = clock.now
        _ = bulkhead.ask(at: clock.now)
        clock.advance(by: .milliseconds(100))
        _ = bulkhead.ask(at: clock.now)
        #expect(bulkhead.ask(at: clock.now) == .wait(until: start.advanced(by: .milliseconds(250))))
    }

    @Test mutating func nobodyWaitsForAStalledDependency() {
        _ = bulkhead.ask(at: clock.now)
        _ = bulkhead.ask(at: clock.now)
        clock.advance(by: .milliseconds(250))
        #expect(bulkhead.ask(at: clock.now) == .refused)
    }

    @Test mutating func placeThatIsLeftIsTakenAgain() {
        _ = bulkhead.ask(at: clock.now)
        _ = bulkhead.ask(at: clock.now)
        clock.advance(by: .seconds(5))
        bulkhead.leave(place: 0)
        #expect(bulkhead.ask(at: clock.now) == .enter(place: 0))
        // The other is still stalled.
        #expect(bulkhead.ask(at: clock.now) == .refused)
    }

    @Test func limitIsAtLeastOne() {
        var bulkhead = Bulkhead(Bulkhead.Policy(limit: 0))
        #expect(bulkhead.ask(at: clock.now) == .enter(place: 0))
    }

    @Test func waitingThreadEntersWhenAPlaceIsLeft() {
        let bulkhead = SharedBulkhead(Bulkhead.Policy(limit: 1, patience: .seconds(60)))
        #expect(bulkhead.enter(by: Deadline(after: .seconds(60))) == 0)
        let second = Threads(1) { bulkhead.enter(by: Deadline(after: .seconds(60))) }
        bulkhead.leave(place: 0)
        #expect(second.results() == [0])
        #expect(bulkhead.occupied == 1)
    }

    @Test func waitEndsWithPatienceAndWithTheDeadline() {
        let bulkhead = SharedBulkhead(Bulkhead.Policy(limit: 1, patience: .milliseconds(30)))
        #expect(bulkhead.enter(by: Deadline(after: .seconds(60))) == 0)
        #expect(bulkhead.enter(by: Deadline(after: .seconds(60))) == nil)
        let patient = SharedBulkhead(Bulkhead.Policy(limit: 1, patience: .seconds(60)))
        #expect(patient.enter(by: Deadline(after: .seconds(60))) == 0)
        #expect(patient.enter(by: Deadline(after: .milliseconds(30))) == nil)
    }

    @Test func neverMoreInsideThanPlacesAndNobodyIsForgotten() {
        let bulkhead = SharedBulkhead(Bulkhead.Policy(limit: 3, patience: .seconds(60)))
        let (inside, most) = (Locked(0), Locked(0))
        let entered = Threads(12) {
            (0..<300).count { _ in
                guard let place = bulkhead.enter(by: Deadline(after: .seconds(60))) else { return false }
                let now = inside.withLock { count in
                    count += 1
                    return count
                }
                most.withLock { $0 = max($0, now) }
                sched_yield()
                inside.withLock { $0 -= 1 }
                bulkhead.leave(place: place)
                return true
            }
        }
        #expect(entered.results() == Array(repeating: 300, count: 12))
        #expect((2...3).contains(most.withLock { $0 }) && bulkhead.occupied == 0)
    }
}
