import Resilience
import TestSupport
import Testing

@Suite struct CircuitBreakerTests {
    private let clock = ManualClock()
    private var breaker = CircuitBreaker(
        CircuitBreaker.Policy(
            failureLimit: 3, openDuration: .seconds(30), firstOpenDuration: .seconds(1), probeLimit: .seconds(10)))

    private mutating func permit() throws -> CircuitBreaker.Permit {
        guard case .admitted(let permit) = breaker.admit(at: clock.now) else { throw Refused() }
        return permit
    }

    private mutating func fail(_ times: Int = 1) throws {
        for _ in 0..<times { breaker.failed(try permit(), at: clock.now) }
    }

    private mutating func isRefused() -> Bool {
        if case .refused = breaker.admit(at: clock.now) { true } else { false }
    }

    private struct Refused: Error {}

    @Test mutating func consecutiveFailuresOpenTheBreaker() throws {
        try fail(2)
        #expect(breaker.state == .closed)
        try fail()
        #expect(breaker.state == .open)
        #expect(isRefused())
    }

    @Test mutating func successResetsTheFailureCount() throws {
        for _ in 0..<10 {
            try fail(2)
            breaker.succeeded(try permit())
        }
        #expect(breaker.state == .closed)
    }

    @Test mutating func openBreakerReportsTheTimeOfItsProbe() throws {
        try fail(3)
        let probeAt = clock.now.advanced(by: .seconds(1))
        #expect(breaker.admit(at: clock.now) == .refused(retryAt: probeAt))
        clock.advance(by: .milliseconds(999))
        #expect(breaker.admit(at: clock.now) == .refused(retryAt: probeAt))
    }

    @Test mutating func openBreakerIsHalfOpenAfterItsWait() throws {
        try fail(3)
        clock.advance(by: .milliseconds(999))
        #expect(breaker.state(at: clock.now) == .open)
        clock.advance(by: .milliseconds(1))
        #expect(breaker.state(at: clock.now) == .halfOpen)
        breaker.succeeded(try permit())
        #expect(breaker.state(at: clock.now) == .closed)
    }

    @Test mutating func oneProbeAtATimeIsAdmitted() throws {
        try fail(3)
        clock.advance(by: .seconds(30))
        let probe = try permit()
        #expect(probe.isProbe && breaker.state == .halfOpen)
        for _ in 0..<5 { #expect(isRefused()) }
        breaker.succeeded(probe)
        #expect(breaker.state == .closed)
        #expect(try !permit().isProbe)
    }

    private mutating func expectOpen(for duration: Duration) throws {
        clock.advance(by: duration - .milliseconds(1))
        #expect(isRefused())
        clock.advance(by: .milliseconds(1))
        breaker.failed(try permit(), at: clock.now)
        #expect(breaker.state == .open)
    }

    @Test mutating func eachFailedProbeDoublesTheWaitUpToTheLimit() throws {
        try fail(3)
        for seconds in [1, 2, 4, 8, 16, 30, 30] { try expectOpen(for: .seconds(seconds)) }
    }

    @Test mutating func successResetsTheBackoff() throws {
        try fail(3)
        for seconds in [1, 2, 4] { try expectOpen(for: .seconds(seconds)) }
        clock.advance(by: .seconds(8))
        breaker.succeeded(try permit())
        try fail(3)
        try expectOpen(for: .seconds(1))
    }

    @Test mutating func abandonedProbeDoesNotLengthenTheWait() throws {
        try fail(3)
        clock.advance(by: .seconds(1))
        breaker.abandoned(try permit(), at: clock.now)
        breaker.failed(try permit(), at: clock.now)
        try expectOpen(for: .seconds(2))
    }

    @Test func firstWaitIsNeverLongerThanTheLimit() {
        var breaker = CircuitBreaker(CircuitBreaker.Policy(failureLimit: 1, openDuration: .milliseconds(300)))
        guard case .admitted(let permit) = breaker.admit(at: clock.now) else { return }
        breaker.failed(permit, at: clock.now)
        #expect(breaker.admit(at: clock.now) == .refused(retryAt: clock.now.advanced(by: .milliseconds(300))))
    }

    @Test mutating func noticedRecoveryAdmitsOneProbeBeforeItsTime() throws {
        try fail(3)
        breaker.noticedRecovery(at: clock.now)
        #expect(breaker.state(at: clock.now) == .halfOpen)
        let probe = try permit()
        #expect(probe.isProbe)
        // Seen again while the probe is out: still one at a time.
        breaker.noticedRecovery(at: clock.now)
        #expect(isRefused())
        breaker.succeeded(probe)
        #expect(breaker.state == .closed)
    }

    @Test mutating func failuresAfterANoticedRecoveryKeepTheBackoff() throws {
        try fail(3)
        breaker.noticedRecovery(at: clock.now)
        breaker.failed(try permit(), at: clock.now)
        try expectOpen(for: .seconds(2))
    }

    @Test mutating func noticedRecoveryChangesNothingWhileClosedOrPastItsTime() throws {
        try fail(2)
        breaker.noticedRecovery(at: clock.now)
        #expect(breaker.state == .closed)
        try fail()
        #expect(breaker.state == .open)
        clock.advance(by: .seconds(2))
        breaker.noticedRecovery(at: clock.now)
        #expect(try permit().isProbe)
    }

    @Test mutating func reclosedBreakerOpensAfterTheSameNumberOfFailures() throws {
        try fail(3)
        clock.advance(by: .seconds(30))
        breaker.succeeded(try permit())
        try fail(2)
        #expect(breaker.state == .closed)
        try fail()
        #expect(breaker.state == .open)
    }

    @Test mutating func probeThatNeverReportsIsReplaced() throws {
        try fail(3)
        clock.advance(by: .seconds(30))
        let lost = try permit()
        clock.advance(by: .milliseconds(9_999))
        #expect(isRefused())
        clock.advance(by: .milliseconds(1))
        let second = try permit()
        #expect(second.isProbe && second != lost)
        // What the lost one has to say comes too late.
        breaker.failed(lost, at: clock.now)
        #expect(breaker.state == .halfOpen)
        breaker.succeeded(second)
        #expect(breaker.state == .closed)
    }

    @Test mutating func abandonedProbeIsReplacedByTheNextCall() throws {
        try fail(3)
        clock.advance(by: .seconds(30))
        breaker.abandoned(try permit(), at: clock.now)
        #expect(try permit().isProbe)
    }

    @Test mutating func abandonedCallIsNeitherSuccessNorFailure() throws {
        try fail(2)
        breaker.abandoned(try permit(), at: clock.now)
        #expect(breaker.state == .closed)
        try fail()
        #expect(breaker.state == .open)
    }

    /// Calls that were under way when it opened, and report while it is open, half-open or closed again.
    @Test mutating func callsOfAnEarlierStateAreIgnored() throws {
        let early = try (0..<6).map { _ in try permit() }
        for call in early.prefix(3) { breaker.failed(call, at: clock.now) }
        #expect(breaker.state == .open)
        breaker.succeeded(early[3])
        #expect(breaker.state == .open)
        clock.advance(by: .seconds(30))
        let probe = try permit()
        breaker.succeeded(early[4])
        #expect(breaker.state == .halfOpen)
        breaker.succeeded(probe)
        for call in early { breaker.failed(call, at: clock.now) }
        #expect(breaker.state == .closed)
    }

    /// Whatever happens in whatever order: at most one probe is out, and nothing is let through before its time.
    @Test mutating func randomHistoriesKeepTheInvariants() {
        var random = SeededRandom(seed: 4)
        var out: [CircuitBreaker.Permit] = []
        var openedAt: ContinuousClock.Instant?
        var lastRecovery = clock.now
        for _ in 0..<50_000 {
            let before = breaker.state
            switch Int.random(in: 0..<11, using: &random) {
            case 0...3:
                switch breaker.admit(at: clock.now) {
                case .admitted(let permit):
                    if permit.isProbe, let openedAt, lastRecovery < openedAt {
                        #expect(openedAt.duration(to: clock.now) >= .seconds(1))
                    }
                    #expect(permit.isProbe == (before != .closed))
                    out.append(permit)
                case .refused(let retryAt):
                    #expect(retryAt > clock.now && before != .closed)
                }
            case 4, 5:
                if !out.isEmpty { breaker.succeeded(out.remove(at: Int.random(in: 0..<out.count, using: &random))) }
            case 6...8:
                if !out.isEmpty {
                    breaker.failed(out.remove(at: Int.random(in: 0..<out.count, using: &random)), at: clock.now)
                }
            case 9 where Int.random(in: 0..<8, using: &random) == 0:
                breaker.noticedRecovery(at: clock.now)
                lastRecovery = clock.now
            default: clock.advance(by: .milliseconds(Int.random(in: 0...8000, using: &random)))
            }
            if breaker.state == .open, before != .open { openedAt = clock.now }
            if out.count > 40 { out.removeFirst() }
        }
    }
}
