import Resilience
import SigV4

/// What the threads of `novatune-streamd revoke` share: when to look, when to end, what to sign with.
final class RevocationWork: Sendable {
    private struct State: Sendable {
        var notifications = 0
        var isStopped = false
        var credentials: Credentials
        /// Counts their replacements.
        var generation = 0
    }

    let stop = StopSignal()
    private let state: ConditionLocked<State>
    private let poll: Duration

    init(_ credentials: Credentials, poll: Duration) {
        state = ConditionLocked(State(credentials: credentials))
        self.poll = poll
    }

    var notifications: Int { state.withLock { $0.notifications } }

    var credentials: Credentials { state.withLock { $0.credentials } }

    /// There may be something to do.
    func notify() {
        state.withLock { $0.notifications += 1 }
        state.wakeAll()
    }

    /// Waits for a notification later than the seen one, for the time to look without one, or for the end.
    func wait(after seen: Int) {
        let deadline = ContinuousClock.now.advanced(by: poll)
        state.wait { state in
            state.notifications != seen || state.isStopped || ContinuousClock.now >= deadline
                ? .done(()) : .wait(until: deadline)
        }
    }

    func replace(_ credentials: Credentials) {
        state.withLock { state in
            state.credentials = credentials
            state.generation += 1
        }
    }

    /// Nil where they are those of `generation`, which is updated.
    func credentials(after generation: inout Int) -> Credentials? {
        let (current, credentials) = state.withLock { ($0.generation, $0.credentials) }
        guard current != generation else { return nil }
        generation = current
        return credentials
    }

    func end() {
        stop.send()
        state.withLock { $0.isStopped = true }
        state.wakeAll()
    }
}
