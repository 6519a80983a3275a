import Glibc

/// Signals taken one at a time by whoever asks, instead of by handlers that interrupt.
struct SignalWait {
    private let set: sigset_t

    init(_ signals: [Int32]) {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for signal in signals { unsafe sigaddset(&set, signal) }
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        // A peer that is gone is an error of the write, not the end of the process.
        _ = signal(SIGPIPE, SIG_IGN)
        self.set = set
    }

    /// Waits for the next.
    func next() -> Int32 {
        var set = set
        var received: Int32 = 0
        while unsafe sigwait(&set, &received) != 0 {}
        return received
    }
}
