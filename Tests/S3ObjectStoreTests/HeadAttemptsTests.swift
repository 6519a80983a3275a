import HTTPClient
import Testing

@testable import S3ObjectStore

@Suite struct HeadAttemptsTests {
    private let start = ContinuousClock.now
    private var deadline: ContinuousClock.Instant { after(.seconds(8)) }

    private func after(_ duration: Duration) -> ContinuousClock.Instant { start.advanced(by: duration) }

    private func makeAttempts(_ made: Int = 1) -> HeadAttempts {
        var attempts = HeadAttempts(timeout: .seconds(5), start: start, deadline: deadline)
        for _ in 0..<made { _ = attempts.next(at: start) }
        return attempts
    }

    @Test func attemptHasItsTimeoutOrTheTimeLeftOfTheRequest() {
        var attempts = makeAttempts(0)
        #expect(attempts.next(at: start) == .seconds(5))
        #expect(attempts.next(at: after(.seconds(6))) == .seconds(2))
        #expect(attempts.next(at: after(.seconds(9))) == .zero)
    }

    @Test(arguments: [500, 503, 599])
    func failureOfTheStoreIsTriedOnceMore(status: Int) {
        #expect(makeAttempts(1).isWorthAnother(.success(status), at: start))
        #expect(!makeAttempts(2).isWorthAnother(.success(status), at: start))
        #expect(!makeAttempts(1).isWorthAnother(.success(status), at: deadline))
        #expect(makeAttempts().verdict(.success(status), at: start) == .failed)
    }

    @Test(arguments: [200, 301, 403, 404])
    func answerAboutTheObjectIsFinalAndNoFailure(status: Int) {
        #expect(!makeAttempts().isWorthAnother(.success(status), at: start))
        #expect(makeAttempts().verdict(.success(status), at: start) == .succeeded)
    }

    @Test func refusalForTooManyRequestsIsAFailureThatIsNotTriedAgain() {
        #expect(!makeAttempts().isWorthAnother(.success(429), at: start))
        #expect(makeAttempts().verdict(.success(429), at: start) == .failed)
    }
}
