public import Resilience

/// A thread for calls that may block and so must not run on a loop: resolving names, connecting, cancelling. Jobs run
/// one after the other.
public final class BlockingQueue: Sendable {
    private struct State {
        var jobs: [@Sendable () -> Void] = []
        var isStopped = false
    }

    private let state: ConditionLocked<State>
    private let thread: WorkerThread

    /// - Parameter name: of the thread, at most 15 bytes.
    public init(name: String) {
        let state = ConditionLocked(State())
        self.state = state
        thread = WorkerThread(name: name) {
            while let job = Self.next(of: state) { job() }
        }
    }

    deinit { stop() }

    /// Jobs that have not begun.
    public var waiting: Int { state.withLock { $0.jobs.count } }

    /// Runs `job` after the jobs that were added before; never after `stop`.
    public func run(_ job: @escaping @Sendable () -> Void) {
        state.withLock { if !$0.isStopped { $0.jobs.append(job) } }
        state.wakeOne()
    }

    /// Drops the jobs that have not begun. The thread ends after the current job.
    public func stop() {
        let dropped = state.withLock { state in
            defer { state = State(isStopped: true) }
            return state.jobs
        }
        state.wakeAll()
        // Not under the lock: a job may hold the last reference to the object that stops this queue.
        _ = consume dropped
    }

    /// Waits for the thread's end, after `stop`.
    public func join() { thread.join() }

    /// Waits for the thread's end, or for `deadline`, after `stop`.
    /// - Returns: whether it has ended.
    @discardableResult
    public func join(by deadline: Deadline) -> Bool { thread.join(by: deadline) }

    private static func next(of state: ConditionLocked<State>) -> (@Sendable () -> Void)? {
        state.wait { state in
            if state.isStopped { return .done(nil) }
            return state.jobs.isEmpty ? .wait(until: nil) : .done(state.jobs.removeFirst())
        }
    }
}
