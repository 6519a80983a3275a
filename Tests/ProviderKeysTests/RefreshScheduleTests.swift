import Testing

@testable import ProviderKeys

@Suite struct RefreshScheduleTests {
    private let start = ContinuousClock.now

    private func after(_ seconds: Int64) -> ContinuousClock.Instant { start.advanced(by: .seconds(seconds)) }

    @Test(arguments: [(nil, 300), (0, 300), (299, 300), (3600, 3600), (86_401, 86_400)] as [(Int64?, Int64)])
    func intervalIsTheProvidersWithinBounds(age: Int64?, due: Int64) {
        var schedule = RefreshSchedule(due: start)
        schedule.succeeded(freshFor: age.map { .seconds($0) }, jitter: 0, at: start)
        #expect(schedule.due == after(due))
    }

    @Test func intervalIsShortenedByATenthAtMost() {
        var schedule = RefreshSchedule(due: start)
        schedule.succeeded(freshFor: .seconds(3600), jitter: 1, at: start)
        #expect(schedule.due == after(3240))
    }

    @Test(arguments: [(1, 5), (60, 60), (3600, 3600), (86_400, 3600)] as [(Int64, Int64)])
    func retryAfterPostponesEachFetchButTheOperators(seconds: Int64, due: Int64) {
        var schedule = RefreshSchedule(due: start)
        schedule.failed(jitter: 0, retryAfter: .seconds(seconds), at: start)
        #expect(schedule.due == after(due))
        let allowed = min(seconds, 3600)
        #expect(!schedule.keyIsUnknown(at: after(allowed - 1)) && schedule.keyIsUnknown(at: after(allowed)))
        schedule.failed(jitter: 0, retryAfter: .seconds(seconds), at: start)
        schedule.request(at: after(1))
        #expect(schedule.due == after(1))
    }

    @Test func unknownKeyFetchesOnceIn30Seconds() {
        var schedule = RefreshSchedule(due: start)
        schedule.succeeded(freshFor: .seconds(3600), jitter: 0, at: start)
        #expect(schedule.keyIsUnknown(at: after(1)) && schedule.due == after(1))
        schedule.succeeded(freshFor: .seconds(3600), jitter: 0, at: after(1))
        #expect(!schedule.keyIsUnknown(at: after(30)) && schedule.due == after(3601))
        #expect(schedule.keyIsUnknown(at: after(31)) && schedule.due == after(31))
    }

    @Test func failuresAreRetriedLessAndLessOften() {
        var schedule = RefreshSchedule(due: start)
        var waits: [Duration] = []
        for _ in 0..<9 {
            schedule.failed(jitter: 0, retryAfter: nil, at: start)
            waits.append(start.duration(to: schedule.due))
        }
        #expect(waits == [5, 10, 20, 40, 80, 160, 300, 300, 300].map { .seconds($0) })
        schedule.succeeded(freshFor: nil, jitter: 0, at: start)
        schedule.failed(jitter: 0, retryAfter: nil, at: start)
        #expect(schedule.due == after(5))
    }

    @Test func requestIsDueNowAndPostponesNothing() {
        var schedule = RefreshSchedule(due: after(-7))
        schedule.request(at: start)
        #expect(schedule.due == after(-7))
        schedule.succeeded(freshFor: nil, jitter: 0, at: start)
        schedule.request(at: after(3))
        #expect(schedule.due == after(3))
    }
}
