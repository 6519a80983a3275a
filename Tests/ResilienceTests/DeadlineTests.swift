import Resilience
import Testing

@Suite struct DeadlineTests {
    @Test func pastDeadlineHasNoTimeLeft() {
        for duration in [Duration.zero, .seconds(-1)] {
            let deadline = Deadline(after: duration)
            #expect(deadline.isPast)
            #expect(deadline.remaining == .zero)
            #expect(deadline.remainingMilliseconds == 0)
        }
    }

    @Test func futureDeadlineHasTimeLeftAndNoMoreThanItsDuration() {
        let deadline = Deadline(after: .seconds(3600))
        #expect(!deadline.isPast)
        #expect(deadline.remaining > .seconds(3000) && deadline.remaining <= .seconds(3600))
        #expect((3_000_000...3_600_000).contains(deadline.remainingMilliseconds))
    }

    @Test func laterDeadlineIsLater() {
        #expect(Deadline(after: .seconds(1)).instant < Deadline(after: .seconds(2)).instant)
    }
}
