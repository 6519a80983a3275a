/// One bulkhead for all threads that call a dependency.
public final class SharedBulkhead: Sendable {
    private let bulkhead: Monitored<Bulkhead>

    public init(_ policy: Bulkhead.Policy) {
        bulkhead = Monitored(Bulkhead(policy))
    }

    /// Calls inside now.
    public var occupied: Int { bulkhead.withLock { $0.occupied } }

    /// Waits for a place where that is worth it.
    /// - Parameter deadline: the caller's own.
    /// - Returns: the place to leave with; nil where the caller must do without.
    public func enter(by deadline: Deadline) -> Int? {
        bulkhead.wait { bulkhead in
            let now = ContinuousClock.now
            switch bulkhead.ask(at: now) {
            case .enter(let place): return .done(place)
            case .refused: return .done(nil)
            case .wait(let until): return now < deadline.instant ? .wait(until: min(until, deadline.instant)) : .done(nil)
            }
        }
    }

    public func leave(place: Int) {
        bulkhead.withLock { $0.leave(place: place) }
        bulkhead.wakeOne()
    }
}
