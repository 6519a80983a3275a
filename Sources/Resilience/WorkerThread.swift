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
        let context = unsafe Unmanaged.passRetained(Body(name, body)).toOpaque()
        let code = unsafe pthread_create(
            &thread, nil,
            { context in
                unsafe Unmanaged<Body>.fromOpaque(context!).takeRetainedValue().run()
                return nil
            }, context)
        precondition(code == 0, "cannot start a thread: raise the limit of processes")
        self.thread = thread
    }

    /// Waits for its end. Call it at most once; a thread that nobody waits for ends with the process.
    public func join() {
        _ = pthread_join(thread, nil)
    }

    private final class Body: Sendable {
        private let name: String
        private let body: @Sendable () -> Void

        init(_ name: String, _ body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }

        func run() {
            // pthread_setname_np is a GNU extension, which the Glibc module does not show; this is what it does.
            let file = unsafe Glibc.open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
            if file >= 0 {
                let bytes = Array(name.utf8.prefix(15))
                unsafe bytes.withUnsafeBytes { unsafe _ = Glibc.write(file, $0.baseAddress, $0.count) }
                close(file)
            }
            body()
        }
    }
}
