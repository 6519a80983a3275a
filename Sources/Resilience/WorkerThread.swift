import CLinux
import Glibc

/// A thread that gets no signals: an interrupted system call would cut short what a C library reads (libfcgi: a request's body).
public struct WorkerThread: Sendable {
    private let thread: pthread_t

    /// - Parameter name: shown by ps and gdb; cut to 15 bytes.
    public init(name: String, _ body: @escaping @Sendable () -> Void) {
        var all = sigset_t()
        var before = sigset_t()
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
        var thread = pthread_t()
        let context = unsafe Unmanaged.passRetained(Body(body)).toOpaque()
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

    /// Waits for its end. Call it at most once; a thread that nobody waits for ends with the process.
    public func join() {
        _ = pthread_join(thread, nil)
    }

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }
}
