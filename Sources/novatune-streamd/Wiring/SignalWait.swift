import Glibc
import Resilience

/// Takes signals one at a time on the calling thread, instead of in handlers that interrupt.
struct SignalWait {
    private let set: sigset_t

    init(_ signals: [Int32]) {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for signal in signals { unsafe sigaddset(&set, signal) }
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        // A write to a peer that is gone fails; it must not end the process.
        _ = signal(SIGPIPE, SIG_IGN)
        self.set = set
    }

    /// Waits for the next; nil where none came within `limit`. Without a limit it waits for ever.
    func next(within limit: Duration?) -> Int32? {
        var set = set
        let deadline = limit.map { Deadline(after: $0) }
        while true {
            var time = timespec()
            if let remaining = deadline?.remaining {
                let (seconds, attoseconds) = remaining.components
                time = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
            } else {
                time.tv_sec = 3600
            }
            let received = unsafe sigtimedwait(&set, nil, &time)
            if received > 0 { return received }
            if let deadline, deadline.isPast { return nil }
        }
    }
}
