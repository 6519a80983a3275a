import HTTPClient
import StreamIssuing

/// One HEAD with its retry, decided as a value: an attempt's time limit, whether to retry, what the result shows of the
/// store.
struct HeadAttempts {
    enum StoreHealth: Equatable {
        case succeeded, failed
        /// The result shows neither success nor failure of the store.
        case abandoned
    }

    private static let limit = 2

    private let timeout: Duration
    private let start: ContinuousClock.Instant
    private let deadline: ContinuousClock.Instant
    private var attempts = 0

    /// - Parameters:
    ///   - timeout: for one attempt.
    ///   - deadline: for all.
    init(timeout: Duration, start: ContinuousClock.Instant, deadline: ContinuousClock.Instant) {
        self.timeout = timeout
        self.start = start
        self.deadline = deadline
    }

    /// The time limit of the next attempt.
    mutating func next(at now: ContinuousClock.Instant) -> Duration {
        attempts += 1
        return max(.zero, min(timeout, now.duration(to: deadline)))
    }

    /// One retry, where the first answer does not show whether the object exists.
    func isWorthAnother(_ result: Result<Int, HTTPError>, at now: ContinuousClock.Instant) -> Bool {
        guard attempts < Self.limit, now < deadline else { return false }
        return switch result {
        case .success(let status): status >= 500
        case .failure(let error): error.wasAttempted
        }
    }

    func verdict(_ result: Result<Int, HTTPError>, at now: ContinuousClock.Instant) -> StoreHealth {
        switch result {
        case .success(let status): return status >= 500 || status == 429 ? .failed : .succeeded
        case .failure(let error):
            // The request's own remaining time cut it short.
            let isCutShort = error.code == "timeout" && start.duration(to: now) < timeout * 9 / 10
            return isCutShort || !error.wasAttempted ? .abandoned : .failed
        }
    }
}
