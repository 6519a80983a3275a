/// How long to wait before the next attempt: twice as long after each failure, up to a limit.
public struct Backoff: Sendable {
    private let initial: Duration
    private let limit: Duration
    private var next: Duration

    /// - Parameters:
    ///   - initial: before the second attempt.
    ///   - limit: the longest wait, after any number of failures. At least `initial`.
    public init(from initial: Duration, to limit: Duration) {
        self.initial = initial
        self.limit = limit
        next = initial
    }

    /// The wait after one more failure.
    /// - Parameter jitter: 0 to 1. Shortens the wait by up to half, so that callers that failed together do not retry
    ///   together.
    public mutating func failed(jitter: Double) -> Duration {
        defer { next = min(next * 2, limit) }
        return next - next * (min(max(jitter, 0), 1) / 2)
    }

    /// The next failure counts as the first.
    public mutating func succeeded() {
        next = initial
    }
}
