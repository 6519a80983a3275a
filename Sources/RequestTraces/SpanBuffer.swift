/// Spans that wait for a collector, and those that are on their way to it. Bounded: a span that does not fit is dropped
/// and counted. The buffer decides; the caller owns locks, threads and the clock.
struct SpanBuffer {
    /// What the sender does next.
    enum Step: Equatable {
        /// Sends these, and reports the result with `finished`.
        case send([SpanRecord])
        /// Waits for more spans until the first has waited for the interval.
        case gather
        /// Waits until it is woken.
        case sleep
        case end
    }

    /// Spans that wait or are on their way: memory is bounded, whatever the collector does.
    let capacity: Int
    /// Spans of one request.
    let batchLimit: Int
    private(set) var totals = SpanTotals()
    private var waiting: [SpanRecord] = []
    private var inFlight = 0
    private var isFlushing = false
    private var isClosed = false
    private var isAbandoned = false

    init(capacity: Int, batchLimit: Int) {
        self.capacity = capacity
        self.batchLimit = batchLimit
        waiting.reserveCapacity(capacity)
    }

    /// Whether every span has been sent or dropped.
    var isEmpty: Bool { waiting.isEmpty && inFlight == 0 }

    /// - Returns: whether the sender must be woken: for the first span and for a full batch.
    mutating func append(_ span: SpanRecord) -> Bool {
        guard !isClosed else {
            totals.drop(1, .shutdown)
            return false
        }
        guard waiting.count + inFlight < capacity else {
            totals.drop(1, .queueFull)
            return false
        }
        waiting.append(span)
        return waiting.count == 1 || waiting.count == batchLimit
    }

    /// Makes every span that waits due.
    mutating func flush() { isFlushing = true }

    /// - Parameter hasGathered: whether the first span has waited for the interval.
    mutating func next(hasGathered: Bool) -> Step {
        guard !waiting.isEmpty else {
            isFlushing = false
            return isClosed ? .end : .sleep
        }
        guard waiting.count >= batchLimit || isFlushing || isClosed || hasGathered else { return .gather }
        let batch = Array(waiting.prefix(batchLimit))
        waiting.removeFirst(batch.count)
        inFlight = batch.count
        return .send(batch)
    }

    /// - Parameter verdict: on the last batch; `retry` leaves it in flight.
    mutating func finished(_ verdict: ExportVerdict) {
        // Spans that were abandoned have been counted.
        guard !isAbandoned else { return }
        switch verdict {
        case .delivered(let rejected):
            totals.exported += inFlight - rejected
            totals.drop(rejected, .rejected)
        case .drop(let reason): totals.drop(inFlight, reason)
        case .retry: return
        }
        inFlight = 0
    }

    /// Accepts no more spans; those that wait are due.
    mutating func close() { isClosed = true }

    /// Drops the spans that are not delivered by now. Call it after `close`.
    mutating func abandon() {
        totals.drop(waiting.count + inFlight, .shutdown)
        isAbandoned = true
        waiting.removeAll()
        inFlight = 0
    }
}

/// How many spans were exported, and how many dropped, since the start.
public struct SpanTotals: Sendable, Equatable {
    public internal(set) var exported = 0
    private var dropped: [DropReason: Int] = [:]

    public func dropped(_ reason: DropReason) -> Int { dropped[reason] ?? 0 }

    mutating func drop(_ count: Int, _ reason: DropReason) {
        if count > 0 { dropped[reason, default: 0] += count }
    }
}
