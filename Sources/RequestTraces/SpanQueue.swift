import Resilience

/// Spans between the threads that make them and the one that sends them.
final class SpanQueue: Sendable {
    private struct State {
        var buffer: SpanBuffer
        /// By then every span is sent or dropped.
        var end: Deadline?
    }

    private let state: ConditionLocked<State>

    init(capacity: Int, batchLimit: Int) {
        state = ConditionLocked(State(buffer: SpanBuffer(capacity: capacity, batchLimit: batchLimit)))
    }

    var currentTotals: SpanTotals { state.withLock { $0.buffer.totals } }

    func append(_ span: SpanRecord) {
        if state.withLock({ $0.buffer.append(span) }) { state.wakeAll() }
    }

    /// Sends the spans that wait without gathering more.
    func flush() {
        state.withLock { $0.buffer.flush() }
        state.wakeAll()
    }

    /// The next batch: when it is full, when its first span has waited for `interval`, or at a flush. Nil at the end.
    func next(interval: Duration) -> [SpanRecord]? {
        var gathersUntil: Deadline?
        return state.wait { state in
            switch state.buffer.next(hasGathered: gathersUntil?.isPast ?? false) {
            case .send(let batch): return .done(batch)
            case .gather:
                let deadline = gathersUntil ?? Deadline(after: interval)
                gathersUntil = deadline
                return .wait(until: deadline.instant)
            case .sleep: return .wait(until: nil)
            case .end: return .done(nil)
            }
        }
    }

    /// Reports the result of the last batch.
    func finished(_ verdict: ExportVerdict) {
        state.withLock { $0.buffer.finished(verdict) }
        state.wakeAll()
    }

    /// Waits between two attempts; ends early at a shutdown.
    func pause(_ duration: Duration) {
        let deadline = Deadline(after: duration)
        state.wait { $0.end == nil && !deadline.isPast ? .wait(until: deadline.instant) : .done(()) }
    }

    /// When everything must be sent; nil before a shutdown.
    var endsBy: Deadline? { state.withLock { $0.end } }

    /// Accepts no more spans and waits until all are sent.
    /// - Returns: whether they were.
    func shutdown(by deadline: Deadline) -> Bool {
        state.withLock { state in
            if state.end == nil { state.end = deadline }
            state.buffer.close()
        }
        state.wakeAll()
        return state.wait { state in
            if state.buffer.isEmpty { return .done(true) }
            guard deadline.isPast else { return .wait(until: deadline.instant) }
            state.buffer.abandon()
            return .done(false)
        }
    }
}
