import Resilience

/// When a provider's keys are fetched again: a value.
struct RefreshSchedule: Sendable {
    /// Whatever the provider says.
    static let interval: ClosedRange<Duration> = .seconds(300) ... .seconds(86_400)
    /// For keys that are not known here: each client can send a token that names one.
    static let unknownKeyInterval: Duration = .seconds(30)

    private(set) var due: ContinuousClock.Instant
    private var unknownKeyFetchAllowedAt: ContinuousClock.Instant
    private var backoff = Backoff(from: .seconds(5), to: interval.lowerBound)

    init(due: ContinuousClock.Instant) {
        self.due = due
        unknownKeyFetchAllowedAt = due
    }

    /// A token names a key that is not known.
    /// - Returns: whether the keys are to be fetched now.
    mutating func keyIsUnknown(at now: ContinuousClock.Instant) -> Bool {
        guard now >= unknownKeyFetchAllowedAt else { return false }
        unknownKeyFetchAllowedAt = now.advanced(by: Self.unknownKeyInterval)
        due = now
        return true
    }

    /// The operator asks for them.
    mutating func request(at now: ContinuousClock.Instant) { due = min(due, now) }

    /// - Parameter age: how long the answer is fresh; nil where the provider does not say it.
    mutating func succeeded(freshFor age: Duration?, at now: ContinuousClock.Instant) {
        backoff.succeeded()
        let age = min(max(age ?? .zero, Self.interval.lowerBound), Self.interval.upperBound)
        due = now.advanced(by: age)
    }

    /// - Parameter jitter: as of `Backoff`.
    mutating func failed(jitter: Double, at now: ContinuousClock.Instant) {
        due = now.advanced(by: backoff.failed(jitter: jitter))
    }
}
