import Glibc
import Resilience

/// Spans between those who make them and the one who sends them. Bounded: what does not fit is counted and gone.
@safe final class SpanQueue: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let changed: UnsafeMutablePointer<pthread_cond_t>
    private let capacity: Int
    private let batchLimit: Int
    private var spans: [SpanRecord] = []
    private var inFlight = 0
    private var isFlushing = false
    /// By then everything is sent, or never.
    private var end: Deadline?
    private var isOver = false
    private var totals = SpanTotals()

    init(capacity: Int, batchLimit: Int) {
        self.capacity = capacity
        self.batchLimit = batchLimit
        spans.reserveCapacity(capacity)
        unsafe mutex = .allocate(capacity: 1)
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe pthread_mutex_init(mutex, nil)
        unsafe changed = .allocate(capacity: 1)
        unsafe changed.initialize(to: pthread_cond_t())
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(changed, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        unsafe pthread_cond_destroy(changed)
        unsafe changed.deallocate()
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
    }

    private func withLock<Result>(_ body: () -> Result) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return body()
    }

    var currentTotals: SpanTotals { withLock { totals } }

    func append(_ span: SpanRecord) {
        withLock {
            guard end == nil else { return totals.drop(1, .shutdown) }
            // What is being sent counts as well: memory is bounded, whatever the collector does.
            guard spans.count + inFlight < capacity else { return totals.drop(1, .queueFull) }
            spans.append(span)
            // The sender sleeps without a limit only while there is nothing.
            if spans.count == 1 || spans.count == batchLimit { unsafe _ = pthread_cond_broadcast(changed) }
        }
    }

    /// Sends what there is without waiting for more.
    func flush() {
        withLock {
            isFlushing = true
            unsafe _ = pthread_cond_broadcast(changed)
        }
    }

    /// The next batch: when it is full, when its first span has waited for `interval`, or at a flush. Nil at the end.
    func next(interval: Duration) -> [SpanRecord]? {
        withLock {
            while spans.isEmpty {
                isFlushing = false
                if end != nil { return nil }
                wait(nil)
            }
            let deadline = Deadline(after: interval)
            while spans.count < batchLimit, !isFlushing, end == nil, !deadline.isPast { wait(deadline) }
            guard !isOver else { return nil }
            let batch = Array(spans.prefix(batchLimit))
            spans.removeFirst(batch.count)
            inFlight = batch.count
            return batch
        }
    }

    /// What became of the last batch.
    func finished(_ verdict: ExportVerdict) {
        withLock {
            // Where the end came first, they have been counted.
            guard !isOver else { return }
            switch verdict {
            case .delivered(let rejected):
                totals.exported += inFlight - rejected
                totals.drop(rejected, .rejected)
            case .drop(let reason): totals.drop(inFlight, reason)
            case .retry: return
            }
            inFlight = 0
            unsafe _ = pthread_cond_broadcast(changed)
        }
    }

    /// Between two attempts; ends early at a shutdown.
    func pause(_ duration: Duration) {
        let deadline = Deadline(after: duration)
        withLock { while end == nil, !deadline.isPast { wait(deadline) } }
    }

    /// When everything must be sent; nil as long as nobody has asked for an end.
    var endsBy: Deadline? { withLock { end } }

    /// Takes nothing more and waits until all is sent.
    /// - Returns: whether it was.
    func shutdown(by deadline: Deadline) -> Bool {
        withLock {
            if end == nil { end = deadline }
            unsafe _ = pthread_cond_broadcast(changed)
            while !spans.isEmpty || inFlight > 0 {
                guard !deadline.isPast else {
                    totals.drop(spans.count + inFlight, .shutdown)
                    isOver = true
                    spans.removeAll()
                    inFlight = 0
                    return false
                }
                wait(deadline)
            }
            return true
        }
    }

    /// With the lock held.
    private func wait(_ deadline: Deadline?) {
        guard let deadline else { return unsafe _ = pthread_cond_wait(changed, mutex) }
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        let (seconds, attoseconds) = deadline.remaining.components
        let nanoseconds = Int(attoseconds / 1_000_000_000) + time.tv_nsec
        time.tv_sec += Int(seconds) + nanoseconds / 1_000_000_000
        time.tv_nsec = nanoseconds % 1_000_000_000
        unsafe _ = pthread_cond_timedwait(changed, mutex, &time)
    }
}

/// How many spans went where since the start.
public struct SpanTotals: Sendable, Equatable {
    public internal(set) var exported = 0
    private var dropped: [DropReason: Int] = [:]

    public func dropped(_ reason: DropReason) -> Int { dropped[reason] ?? 0 }

    mutating func drop(_ count: Int, _ reason: DropReason) {
        if count > 0 { dropped[reason, default: 0] += count }
    }
}
