import Resilience

/// Spans between those who make them and the one who sends them. Bounded: what does not fit is counted and gone.
final class SpanQueue: Sendable {
    private struct State {
        var spans: [SpanRecord] = []
        var inFlight = 0
        var isFlushing = false
        /// By then everything is sent, or never.
        var end: Deadline?
        var isOver = false
        var totals = SpanTotals()
    }

    private let capacity: Int
    private let batchLimit: Int
    private let state: Monitored<State>

    init(capacity: Int, batchLimit: Int) {
        self.capacity = capacity
        self.batchLimit = batchLimit
        var state = State()
        state.spans.reserveCapacity(capacity)
        self.state = Monitored(state)
    }

    var currentTotals: SpanTotals { state.withLock { $0.totals } }

    func append(_ span: SpanRecord) {
        let isAwaited = state.withLock { state in
            guard state.end == nil else {
                state.totals.drop(1, .shutdown)
                return false
            }
            // What is being sent counts as well: memory is bounded, whatever the collector does.
            guard state.spans.count + state.inFlight < capacity else {
                state.totals.drop(1, .queueFull)
                return false
            }
            state.spans.append(span)
            // The sender sleeps without a limit only while there is nothing.
            return state.spans.count == 1 || state.spans.count == batchLimit
        }
        if isAwaited { state.wakeAll() }
    }

    /// Sends what there is without waiting for more.
    func flush() {
        state.withLock { $0.isFlushing = true }
        state.wakeAll()
    }

    /// The next batch: when it is full, when its first span has waited for `interval`, or at a flush. Nil at the end.
    func next(interval: Duration) -> [SpanRecord]? {
        var deadline: Deadline?
        return state.wait { state in
            guard !state.spans.isEmpty else {
                state.isFlushing = false
                return state.end == nil ? .wait(until: nil) : .done(nil)
            }
            let sendsBy = deadline ?? Deadline(after: interval)
            deadline = sendsBy
            if state.spans.count < batchLimit, !state.isFlushing, state.end == nil, !sendsBy.isPast {
                return .wait(until: sendsBy.instant)
            }
            guard !state.isOver else { return .done(nil) }
            let batch = Array(state.spans.prefix(batchLimit))
            state.spans.removeFirst(batch.count)
            state.inFlight = batch.count
            return .done(batch)
        }
    }

    /// What became of the last batch.
    func finished(_ verdict: ExportVerdict) {
        state.withLock { state in
            // Where the end came first, they have been counted.
            guard !state.isOver else { return }
            switch verdict {
            case .delivered(let rejected):
                state.totals.exported += state.inFlight - rejected
                state.totals.drop(rejected, .rejected)
            case .drop(let reason): state.totals.drop(state.inFlight, reason)
            case .retry: return
            }
            state.inFlight = 0
        }
        state.wakeAll()
    }

    /// Between two attempts; ends early at a shutdown.
    func pause(_ duration: Duration) {
        let deadline = Deadline(after: duration)
        state.wait { $0.end == nil && !deadline.isPast ? .wait(until: deadline.instant) : .done(()) }
    }

    /// When everything must be sent; nil as long as nobody has asked for an end.
    var endsBy: Deadline? { state.withLock { $0.end } }

    /// Takes nothing more and waits until all is sent.
    /// - Returns: whether it was.
    func shutdown(by deadline: Deadline) -> Bool {
        state.withLock { if $0.end == nil { $0.end = deadline } }
        state.wakeAll()
        return state.wait { state in
            guard !state.spans.isEmpty || state.inFlight > 0 else { return .done(true) }
            guard deadline.isPast else { return .wait(until: deadline.instant) }
            state.totals.drop(state.spans.count + state.inFlight, .shutdown)
            state.isOver = true
            state.spans.removeAll()
            state.inFlight = 0
            return .done(false)
        }
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
