import Testing

@testable import PostgreSQLTrackStore

@Suite struct NotificationCheckTests {
    private let now = ContinuousClock.now

    @Test func checkIsDueUntilItIsSent() {
        var check = NotificationCheck(identifier: 255)
        #expect(check.isDue && check.deadline == nil && check.channel == "novatune_check_ff")
        check.sent(expectedBy: now)
        #expect(!check.isDue && check.deadline == now)
    }

    @Test func failedCheckIsDueAgainAfterASilence() {
        var check = NotificationCheck(identifier: 1)
        check.sent(expectedBy: now)
        check.failed()
        #expect(!check.isDue && check.deadline == nil)
        check.silenceIsOver()
        #expect(check.isDue)
    }

    @Test func passedCheckIsNotSentAgain() {
        var check = NotificationCheck(identifier: 1)
        check.sent(expectedBy: now)
        check.passed()
        check.silenceIsOver()
        #expect(!check.isDue && check.deadline == nil)
    }
}
