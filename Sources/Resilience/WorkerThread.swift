import CLinux
import Glibc

/// A thread that receives no signals: an interrupted system call would cut short what a C library reads (libfcgi: a
/// request's body).
///
/// Its memory is freed when it has ended and was joined, or when the last reference is gone.
public final class WorkerThread: Sendable {
    private struct State {
        var hasEnded = false
        var isJoined = false
    }

    private let thread: pthread_t
    private let state: ConditionLocked<State>

    /// - Parameter name: shown by ps and gdb; cut to 15 bytes.
    public init(name: String, _ body: @escaping @Sendable () -> Void) {
        let state = ConditionLocked(State())
        self.state = state
        var all = sigset_t()
        var before = sigset_t()
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
        var thread = pthread_t()
        let context = unsafe Unmanaged.passRetained(Body(body, state)).toOpaque()
        let code = unsafe pthread_create(
            &thread, nil,
            { context in
                unsafe Unmanaged<Body>.fromOpaque(context!).takeRetainedValue().run()
                return nil
            }, context)
        precondition(code == 0, "cannot start a thread: raise the limit of processes")
        // Not through /proc/self, which is closed to a process that is not dumpable.
        unsafe pthread_setname_np(thread, String(name.utf8.prefix(15)))
        self.thread = thread
    }

    deinit {
        if !state.withLock({ $0.isJoined }) { pthread_detach(thread) }
    }

    /// Waits for its end. Not on the thread itself.
    public func join() { _ = join(until: nil) }

    /// Waits for its end, or for `deadline`. Not on the thread itself.
    /// - Returns: whether it has ended.
    @discardableResult
    public func join(by deadline: Deadline) -> Bool { join(until: deadline) }

    private func join(until deadline: Deadline?) -> Bool {
        let mustJoin: Bool? = state.wait { state in
            if state.hasEnded {
                defer { state.isJoined = true }
                return .done(!state.isJoined)
            }
            return deadline?.isPast == true ? .done(nil) : .wait(until: deadline?.instant)
        }
        guard let mustJoin else { return false }
        // pthread_join(3) alone has no limit. The body has returned, so it does not wait.
        if mustJoin { _ = pthread_join(thread, nil) }
        return true
    }

    private final class Body: Sendable {
        private let body: @Sendable () -> Void
        private let state: ConditionLocked<State>

        init(_ body: @escaping @Sendable () -> Void, _ state: ConditionLocked<State>) {
            (self.body, self.state) = (body, state)
        }

        func run() {
            body()
            state.withLock { $0.hasEnded = true }
            state.wakeAll()
        }
    }
}
