public import Glibc

/// A value that one thread at a time may access, and whose changes others can wait for: a monitor (Hoare 1974) of one
/// mutex and one condition variable. Where no thread waits for changes, use `Locked`.
@safe public final class ConditionLocked<Value>: @unchecked Sendable {
    /// The answer to a thread that checks for a result.
    public enum WaitResult<Result> {
        case done(Result)
        /// Check again after the next change, at this moment at the latest; nil for no limit.
        case wait(until: ContinuousClock.Instant?)
    }

    @usableFromInline let locked: Locked<Value>
    @usableFromInline let change: UnsafeMutablePointer<pthread_cond_t>

    public init(_ value: sending Value) {
        locked = Locked(value)
        unsafe change = .allocate(capacity: 1)
        unsafe change.initialize(to: pthread_cond_t())
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(change, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        unsafe pthread_cond_destroy(change)
        unsafe change.deallocate()
    }

    /// As `Locked.withLock`.
    @inlinable
    public func withLock<Result>(_ body: (inout Value) -> sending Result) -> sending Result {
        locked.withLock(body)
    }

    /// Wakes one waiting thread, for a change that only one thread can use.
    @inlinable
    public func wakeOne() { unsafe _ = pthread_cond_signal(change) }

    /// Wakes all waiting threads.
    @inlinable
    public func wakeAll() { unsafe _ = pthread_cond_broadcast(change) }

    /// Checks until there is a result. The lock is held during each check and released during each wait.
    @inlinable
    public func wait<Result>(_ ask: (inout Value) -> sending WaitResult<Result>) -> sending Result {
        unsafe pthread_mutex_lock(locked.mutex)
        defer { unsafe pthread_mutex_unlock(locked.mutex) }
        while true {
            switch ask(&locked.value) {
            case .done(let result): return result
            case .wait(nil): unsafe _ = pthread_cond_wait(change, locked.mutex)
            case .wait(let instant?):
                var time = Self.monotonic(instant)
                unsafe _ = pthread_cond_timedwait(change, locked.mutex, &time)
            }
        }
    }

    /// The moment on the clock of the condition variable.
    @usableFromInline
    static func monotonic(_ instant: ContinuousClock.Instant) -> timespec {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        let (seconds, attoseconds) = max(.zero, ContinuousClock.now.duration(to: instant)).components
        let nanoseconds = Int(attoseconds / 1_000_000_000) + time.tv_nsec
        time.tv_sec += Int(seconds) + nanoseconds / 1_000_000_000
        time.tv_nsec = nanoseconds % 1_000_000_000
        return time
    }
}
