import Glibc

/// One bulkhead for all threads that call a dependency.
@safe public final class SharedBulkhead: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let placeIsFree: UnsafeMutablePointer<pthread_cond_t>
    private var bulkhead: Bulkhead

    public init(_ policy: Bulkhead.Policy) {
        unsafe mutex = .allocate(capacity: 1)
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe pthread_mutex_init(mutex, nil)
        unsafe placeIsFree = .allocate(capacity: 1)
        unsafe placeIsFree.initialize(to: pthread_cond_t())
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(placeIsFree, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
        bulkhead = Bulkhead(policy)
    }

    deinit {
        unsafe pthread_cond_destroy(placeIsFree)
        unsafe placeIsFree.deallocate()
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
    }

    /// Calls inside now.
    public var occupied: Int {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return bulkhead.occupied
    }

    /// Waits for a place where that is worth it.
    /// - Parameter deadline: the caller's own.
    /// - Returns: the place to leave with; nil where the caller must do without.
    public func enter(by deadline: Deadline) -> Int? {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while true {
            let now = ContinuousClock.now
            switch bulkhead.ask(at: now) {
            case .enter(let place): return place
            case .refused: return nil
            case .wait(let until):
                guard now < deadline.instant else { return nil }
                wait(until: min(until, deadline.instant), from: now)
            }
        }
    }

    public func leave(place: Int) {
        unsafe pthread_mutex_lock(mutex)
        bulkhead.leave(place: place)
        unsafe pthread_cond_signal(placeIsFree)
        unsafe pthread_mutex_unlock(mutex)
    }

    private func wait(until instant: ContinuousClock.Instant, from now: ContinuousClock.Instant) {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        let (seconds, attoseconds) = now.duration(to: instant).components
        let nanoseconds = Int(attoseconds / 1_000_000_000) + time.tv_nsec
        time.tv_sec += Int(seconds) + nanoseconds / 1_000_000_000
        time.tv_nsec = nanoseconds % 1_000_000_000
        unsafe _ = pthread_cond_timedwait(placeIsFree, mutex, &time)
    }
}
