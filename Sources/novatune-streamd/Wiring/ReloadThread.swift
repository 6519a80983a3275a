import Resilience

/// Reads settings again on a thread of its own: a command that gives credentials may take longer than the service manager
/// waits for a heartbeat.
final class ReloadThread: Sendable {
    private struct State {
        var isRequested = false
        var isStopped = false
    }

    private enum Step {
        case reload, look, end
    }

    private let state: ConditionLocked<State>
    private let thread: WorkerThread

    /// - Parameter reloaded: called on the thread after each reload that was requested.
    init(_ reloader: sending Reloader, reloaded: @escaping @Sendable () -> Void) {
        let state = ConditionLocked(State())
        let reloader = Locked(reloader)
        self.state = state
        thread = WorkerThread(name: "reload") {
            while true {
                switch Self.nextStep(state) {
                case .reload:
                    reloader.withLock { $0.reloadOnRequest() }
                    reloaded()
                case .look: reloader.withLock { $0.reloadIfChanged() }
                case .end: return
                }
            }
        }
    }

    private static func nextStep(_ state: ConditionLocked<State>) -> Step {
        let deadline = Deadline(after: Reloader.interval)
        return state.wait { state in
            if state.isStopped { return .done(.end) }
            if state.isRequested {
                state.isRequested = false
                return .done(.reload)
            }
            return deadline.isPast ? .done(.look) : .wait(until: deadline.instant)
        }
    }

    /// Asks for a reload, whether or not a file has changed.
    func request() {
        state.withLock { $0.isRequested = true }
        state.wakeAll()
    }

    /// Ends the thread after the reload that is under way. A command that is still running when the process ends is left to
    /// end by itself.
    func stop() {
        state.withLock { $0.isStopped = true }
        state.wakeAll()
    }
}
