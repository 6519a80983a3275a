import Resilience
import TestSupport
import Testing

@Suite struct SharedBreakerTests {
    private let clock = ManualClock()
    private let states = Locked<[CircuitBreaker.State]>([])

    private func makeBreaker() -> SharedBreaker {
        SharedBreaker(CircuitBreaker.Policy(failureLimit: 2, openDuration: .seconds(30)), now: { [clock] in clock.now })
            .observed { [states] state in states.withLock { $0.append(state) } }
    }

    private func fail(_ breaker: SharedBreaker) {
        guard case .admitted(let permit) = breaker.admit() else { return }
        breaker.failed(permit)
    }

    @Test func eachStateChangeIsReportedOnce() throws {
        let breaker = makeBreaker()
        fail(breaker)
        fail(breaker)
        _ = breaker.admit()
        clock.advance(by: .seconds(30))
        guard case .admitted(let probe) = breaker.admit() else { throw Refused() }
        _ = breaker.admit()
        breaker.succeeded(probe)
        #expect(states.withLock { $0 } == [.open, .halfOpen, .closed])
    }

    @Test func abandonedProbeReportsNoStateChange() throws {
        let breaker = makeBreaker()
        fail(breaker)
        fail(breaker)
        clock.advance(by: .seconds(30))
        guard case .admitted(let probe) = breaker.admit() else { throw Refused() }
        breaker.abandoned(probe)
        #expect(states.withLock { $0 } == [.open, .halfOpen])
        guard case .admitted(let next) = breaker.admit() else { throw Refused() }
        breaker.succeeded(next)
        #expect(states.withLock { $0 }.last == .closed)
    }

    @Test func noticedRecoveryIsReportedAsHalfOpenAndTheNextCallIsTheProbe() throws {
        let breaker = makeBreaker()
        fail(breaker)
        fail(breaker)
        breaker.noticedRecovery()
        #expect(breaker.state == .halfOpen)
        #expect(states.withLock { $0 } == [.open])
        guard case .admitted(let probe) = breaker.admit() else { throw Refused() }
        breaker.succeeded(probe)
        #expect(states.withLock { $0 } == [.open, .halfOpen, .closed])
    }

    @Test func stateChangeIsReportedToTheObserverThatCausedIt() {
        let breaker = makeBreaker()
        let other = breaker.observed { _ in Issue.record("caused no state change") }
        fail(other)
        fail(breaker)
        #expect(states.withLock { $0 } == [.open])
        #expect(other.state == .open)
        if case .admitted = other.admit() { Issue.record("the two views must share a breaker") }
    }

    @Test func manyThreadsGetOneProbe() {
        let breaker = makeBreaker()
        fail(breaker)
        fail(breaker)
        clock.advance(by: .seconds(30))
        let admitted = Threads(32) { if case .admitted = breaker.admit() { true } else { false } }
        #expect(admitted.results().count { $0 } == 1)
    }

    private struct Refused: Error {}
}
