/// Decides whether to call a dependency, by the results of the last calls: a value that moves through the pattern's
/// three states, closed, open and half-open (M. Nygard, "Release It!", "Circuit Breaker").
///
/// Closed, it lets every call through; `failureLimit` failures in a row open it. Open, it lets no call through, for
/// `firstOpenDuration` and for twice as long after each probe that fails, up to `openDuration`, but no longer than
/// until the dependency has been seen to answer. Then it lets one call at a time through as a probe: if the probe
/// succeeds the breaker closes, if it fails the breaker opens again.
public struct CircuitBreaker: Sendable {
    public struct Policy: Sendable, Equatable {
        /// Failures in a row that open it: 1 or more. Default 5.
        public let failureLimit: Int
        /// How long it stays open at most. Default 30 s.
        public let openDuration: Duration
        /// How long it stays open before the first probe. Default 1 s; never above `openDuration`.
        public let firstOpenDuration: Duration
        /// A probe that has not reported by then counts as lost, and another may be made. Default 30 s.
        public let probeLimit: Duration

        public init(
            failureLimit: Int = 5, openDuration: Duration = .seconds(30), firstOpenDuration: Duration = .seconds(1),
            probeLimit: Duration = .seconds(30)
        ) {
            self.failureLimit = max(1, failureLimit)
            self.openDuration = openDuration
            self.firstOpenDuration = min(firstOpenDuration, openDuration)
            self.probeLimit = probeLimit
        }
    }

    public enum State: String, Sendable, CaseIterable {
        case closed, open
        case halfOpen = "half_open"
    }

    /// Permission for one call. Return it with the call's result.
    public struct Permit: Sendable, Equatable {
        /// The period of one state in which it was given: the result of a call from an earlier period comes too late.
        fileprivate let era: Int
        public let isProbe: Bool
    }

    public enum Admission: Sendable, Equatable {
        case admitted(Permit)
        /// - Parameter retryAt: when the next probe may be made.
        case refused(retryAt: ContinuousClock.Instant)
    }

    private enum Phase {
        case closed(failures: Int)
        case open(until: ContinuousClock.Instant)
        case halfOpen(probeUntil: ContinuousClock.Instant)
    }

    private let policy: Policy
    private var phase = Phase.closed(failures: 0)
    private var era = 0
    private var backoff: Backoff

    public init(_ policy: Policy) {
        self.policy = policy
        backoff = Backoff(from: policy.firstOpenDuration, to: policy.openDuration)
    }

    public var state: State {
        switch phase {
        case .closed: .closed
        case .open: .open
        case .halfOpen: .halfOpen
        }
    }

    /// As the next call will find it: once its time is over, an open breaker counts as half-open.
    public func state(at now: ContinuousClock.Instant) -> State {
        if case .open(let until) = phase, until <= now { return .halfOpen }
        return state
    }

    public mutating func admit(at now: ContinuousClock.Instant) -> Admission {
        switch phase {
        case .closed: return .admitted(Permit(era: era, isProbe: false))
        case .open(let until), .halfOpen(let until):
            guard now >= until else { return .refused(retryAt: until) }
            enter(.halfOpen(probeUntil: now.advanced(by: policy.probeLimit)))
            return .admitted(Permit(era: era, isProbe: true))
        }
    }

    public mutating func succeeded(_ permit: Permit) {
        guard permit.era == era else { return }
        backoff.succeeded()
        if case .closed = phase { phase = .closed(failures: 0) } else { enter(.closed(failures: 0)) }
    }

    public mutating func failed(_ permit: Permit, at now: ContinuousClock.Instant) {
        guard permit.era == era else { return }
        if case .closed(let failures) = phase, failures + 1 < policy.failureLimit {
            phase = .closed(failures: failures + 1)
        } else {
            // Without jitter: one breaker in one process, and its probe is one call.
            enter(.open(until: now.advanced(by: backoff.failed(jitter: 0))))
        }
    }

    /// The call was not made after all, or its result shows neither success nor failure of the dependency. After an
    /// abandoned probe the next call is the probe.
    public mutating func abandoned(_ permit: Permit, at now: ContinuousClock.Instant) {
        guard permit.era == era, permit.isProbe else { return }
        enter(.open(until: now))
    }

    /// Another check, such as the health probe, has just seen the dependency answer: the next call is let through as a
    /// probe. The back-off stays as it is, for a dependency that answers health probes and fails calls.
    public mutating func noticedRecovery(at now: ContinuousClock.Instant) {
        if case .open(let until) = phase { phase = .open(until: min(until, now)) }
    }

    private mutating func enter(_ next: Phase) {
        phase = next
        era += 1
    }
}
