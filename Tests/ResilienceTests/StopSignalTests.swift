import Resilience
import TestSupport
import Testing

@Suite struct StopSignalTests {
    @Test func signalThatIsSentStaysSentForEveryThread() {
        let signal = StopSignal()
        #expect(!signal.isSent)
        let waiting = Threads(3) { signal.wait(until: Deadline(after: .seconds(60))) }
        signal.send()
        signal.send()
        #expect(waiting.results() == [true, true, true])
        #expect(signal.isSent)
    }

    @Test func waitEndsAtItsDeadline() {
        let deadline = Deadline(after: .milliseconds(20))
        #expect(!StopSignal().wait(until: deadline))
        #expect(deadline.isPast)
    }
}
