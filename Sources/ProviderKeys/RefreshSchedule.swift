import Resilience

/// When a provider's keys are fetched again: a value.
struct RefreshSchedule: Sendable {
    /// Whatever the provider says.
    static let interval: ClosedRange<Duration> = .seconds(300) ... .seconds(86_400)
    /// For keys that are not known here: each client can send a token that names one.
    static let unknownKeyInterval: Duration = .seconds(30)
    /// The longest `Retry-After` of a provider that counts.
    static let longestRetryAfter: Duration = .seconds(3600)

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

    /// - Parameters:
    ///   - age: how long the answer is fresh; nil where the provider does not say it.
    ///   - jitter: 0 to 1. Shortens the wait by up to a tenth, so that hosts that started together do not ask together.
    mutating func succeeded(freshFor age: Duration?, jitter: Double, at now: ContinuousClock.Instant) {
        backoff.succeeded()
        let age = min(max(age ?? .zero, Self.interval.lowerBound), Self.interval.upperBound)
        due = now.advanced(by: age - age * (jitter / 10))
    }

    /// - Parameters:
    ///   - jitter: as of `Backoff`.
    ///   - retryAfter: before which the provider wants no other request, not for a key that is not known either.
    mutating func failed(jitter: Double, retryAfter: Duration?, at now: ContinuousClock.Instant) {
        due = now.advanced(by: backoff.failed(jitter: jitter))
        guard let retryAfter else { return }
        let allowed = now.advanced(by: min(retryAfter, Self.longestRetryAfter))
        due = max(due, allowed)
        unknownKeyFetchAllowedAt = max(unknownKeyFetchAllowedAt, allowed)
    }
}
