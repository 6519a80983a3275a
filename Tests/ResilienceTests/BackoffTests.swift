import Resilience
import Testing

@Suite struct BackoffTests {
    private func waits(_ count: Int, _ backoff: inout Backoff, jitter: Double = 0) -> [Duration] {
        (0..<count).map { _ in backoff.failed(jitter: jitter) }
    }

    @Test func waitDoublesUpToTheLimit() {
        var backoff = Backoff(from: .milliseconds(100), to: .seconds(1))
        #expect(waits(6, &backoff) == [100, 200, 400, 800, 1000, 1000].map { .milliseconds($0) })
    }

    @Test func successResetsTheWait() {
        var backoff = Backoff(from: .milliseconds(100), to: .seconds(1))
        _ = waits(3, &backoff)
        backoff.succeeded()
        #expect(waits(2, &backoff) == [.milliseconds(100), .milliseconds(200)])
    }

    @Test func jitterSubtractsUpToHalf() {
        var backoff = Backoff(from: .milliseconds(100), to: .seconds(1))
        #expect(waits(2, &backoff, jitter: 1) == [.milliseconds(50), .milliseconds(100)])
        #expect(waits(1, &backoff, jitter: 0.5) == [.milliseconds(300)])
        #expect(waits(1, &backoff, jitter: 7) == [.milliseconds(400)])
    }

    @Test func waitNeverOverflows() {
        var backoff = Backoff(from: .seconds(1), to: .seconds(3600))
        #expect(waits(500, &backoff).last == .seconds(3600))
    }
}
