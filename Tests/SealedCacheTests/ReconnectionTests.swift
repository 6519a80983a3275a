import Testing

@testable import SealedCache

@Suite struct ReconnectionTests {
    private let start = ContinuousClock.now
    private var reconnection = Reconnection()

    @Test mutating func waitDoublesWithEachFailedAttemptUpToTenSeconds() {
        let waits = (0..<9).map { _ in reconnection.attemptFailed(jitter: 0) }
        #expect(waits.prefix(3) == [.milliseconds(100), .milliseconds(200), .milliseconds(400)])
        #expect(waits.suffix(2) == [.seconds(10), .seconds(10)])
    }

    @Test mutating func connectionThatServedBeforeIsReplacedWithoutAWait() {
        reconnection.connected(at: start)
        #expect(reconnection.lost(at: start.advanced(by: .seconds(1)), hasAnswered: true, jitter: 0) == .zero)
        #expect(reconnection.attemptFailed(jitter: 0) == .milliseconds(100))
    }

    @Test mutating func connectionThatAnswersAndIsSoonLostWaitsForTheShortestTime() {
        for _ in 0..<3 {
            reconnection.connected(at: start)
            #expect(
                reconnection.lost(at: start.advanced(by: .milliseconds(5)), hasAnswered: true, jitter: 0)
                    == .milliseconds(100))
        }
    }

    @Test mutating func serverThatAcceptsAndNeverRepliesCountsAsFailed() {
        let waits = (0..<3).map { _ in
            reconnection.connected(at: start)
            return reconnection.lost(at: start.advanced(by: .seconds(5)), hasAnswered: false, jitter: 0)
        }
        #expect(waits == [.milliseconds(100), .milliseconds(200), .milliseconds(400)])
    }
}
