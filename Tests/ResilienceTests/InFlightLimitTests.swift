import Resilience
import Testing

@Suite struct InFlightLimitTests {
    @Test func callsOverTheLimitAreRefusedUntilOneLeaves() {
        var inFlight = InFlightLimit(2)
        let entered = (inFlight.enter(), inFlight.enter(), inFlight.enter())
        #expect(entered == (true, true, false) && inFlight.count == 2)
        inFlight.leave()
        let afterwards = (inFlight.enter(), inFlight.enter())
        #expect(afterwards == (true, false) && inFlight.count == 2)
    }

    @Test func refusedCallHoldsNoPlace() {
        var inFlight = InFlightLimit(1)
        let entered = (0..<10).map { _ in inFlight.enter() }
        #expect(entered == [true] + Array(repeating: false, count: 9))
        inFlight.leave()
        #expect(inFlight.count == 0)
    }

    @Test func limitIsOneCallAtLeast() {
        var inFlight = InFlightLimit(0)
        let entered = inFlight.enter()
        #expect(entered && inFlight.limit == 1)
    }
}
