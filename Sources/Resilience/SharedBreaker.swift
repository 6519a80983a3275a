/// One circuit breaker for all threads that call a dependency. Its lock is held for the decision, never for the call.
public final class SharedBreaker: Sendable {
    public typealias Observer = @Sendable (_ state: CircuitBreaker.State) -> Void

    private let breaker: Locked<CircuitBreaker>
    private let now: @Sendable () -> ContinuousClock.Instant
    private let observer: Observer?

    /// - Parameter now: the clock that it opens and probes by.
    public convenience init(
        _ policy: CircuitBreaker.Policy,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }
    ) {
        self.init(Locked(CircuitBreaker(policy)), now, nil)
    }

    private init(
        _ breaker: Locked<CircuitBreaker>, _ now: @escaping @Sendable () -> ContinuousClock.Instant,
        _ observer: Observer?
    ) {
        self.breaker = breaker
        self.now = now
        self.observer = observer
    }

    /// The same breaker, with an observer of the state changes that calls through it cause; calls through others do not
    /// count.
    public func observed(by observer: @escaping Observer) -> SharedBreaker { SharedBreaker(breaker, now, observer) }

    public var state: CircuitBreaker.State {
        let now = now()
        return breaker.withLock { $0.state(at: now) }
    }

    public func admit() -> CircuitBreaker.Admission { change { $0.admit(at: $1) } }

    public func succeeded(_ permit: CircuitBreaker.Permit) { change { breaker, _ in breaker.succeeded(permit) } }

    public func failed(_ permit: CircuitBreaker.Permit) { change { $0.failed(permit, at: $1) } }

    /// No observer is called: the call found out nothing.
    public func abandoned(_ permit: CircuitBreaker.Permit) {
        let now = now()
        breaker.withLock { $0.abandoned(permit, at: now) }
    }

    /// Enters no state yet: the next call that is let through does.
    public func noticedRecovery() {
        let now = now()
        breaker.withLock { $0.noticedRecovery(at: now) }
    }

    private func change<Result: Sendable>(_ decide: (inout CircuitBreaker, ContinuousClock.Instant) -> Result) -> Result
    {
        let now = now()
        let (result, entered) = breaker.withLock { breaker in
            let before = breaker.state
            let result = decide(&breaker, now)
            return (result, breaker.state == before ? nil : breaker.state)
        }
        if let entered { observer?(entered) }
        return result
    }
}
