import Resilience

/// How long to wait before a connection is tried again: a value.
struct Reconnection {
    private var backoff = Backoff(from: .milliseconds(100), to: .seconds(10))
    private var connectedAt: ContinuousClock.Instant?

    /// A connection that was usable for this long is replaced without a wait: its server restarts, or closes idle
    /// connections.
    private static let steadyAfter: Duration = .seconds(1)

    mutating func connected(at now: ContinuousClock.Instant) {
        connectedAt = now
    }

    /// - Parameter jitter: 0 to 1.
    mutating func attemptFailed(jitter: Double) -> Duration {
        backoff.failed(jitter: jitter)
    }

    /// - Parameters:
    ///   - hasAnswered: whether the server answered a command on it. A server that accepts and never answers counts as
    ///     one that failed.
    ///   - jitter: 0 to 1.
    mutating func lost(at now: ContinuousClock.Instant, hasAnswered: Bool, jitter: Double) -> Duration {
        defer { connectedAt = nil }
        guard hasAnswered else { return backoff.failed(jitter: jitter) }
        backoff.succeeded()
        if let connectedAt, connectedAt.duration(to: now) >= Self.steadyAfter { return .zero }
        return backoff.failed(jitter: jitter)
    }
}
