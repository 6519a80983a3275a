import Testing

@testable import RequestTraces

@Suite struct SpanBufferTests {
    private var buffer = SpanBuffer(capacity: 5, batchLimit: 2)

    @Test mutating func senderSleepsUntilTheFirstSpan() {
        #expect(buffer.next(hasGathered: true) == .sleep)
        #expect(append())
        #expect(buffer.next(hasGathered: false) == .gather)
    }

    @Test mutating func fullBatchIsDueAndWakesTheSender() {
        #expect(append())
        #expect(append())
        // The sender is awake: it has a batch to send.
        #expect(!append())
        #expect(buffer.next(hasGathered: false) == .send([span(1), span(2)]))
        #expect(buffer.next(hasGathered: false) == .gather)
    }

    @Test mutating func spanThatHasWaitedIsDue() {
        _ = append()
        #expect(buffer.next(hasGathered: true) == .send([span(1)]))
    }

    @Test mutating func flushMakesEverySpanDueAndEndsWithTheLast() {
        for _ in 0..<3 { _ = append() }
        buffer.flush()
        #expect(buffer.next(hasGathered: false) == .send([span(1), span(2)]))
        #expect(buffer.next(hasGathered: false) == .send([span(3)]))
        #expect(buffer.next(hasGathered: false) == .sleep)
        _ = append()
        #expect(buffer.next(hasGathered: false) == .gather)
    }

    @Test mutating func spansInFlightCountAgainstTheCapacity() {
        for _ in 0..<5 { _ = append() }
        _ = buffer.next(hasGathered: false)
        #expect(!append() && buffer.totals.dropped(.queueFull) == 1)
        buffer.finished(.delivered(rejected: 0))
        _ = append()
        #expect(buffer.totals.dropped(.queueFull) == 1)
    }

    @Test mutating func eachExportResultIsCounted() {
        for _ in 0..<5 { _ = append() }
        for verdict in [ExportVerdict.delivered(rejected: 1), .drop(.failed), .delivered(rejected: 0)] {
            _ = buffer.next(hasGathered: true)
            buffer.finished(verdict)
        }
        #expect(
            buffer.totals.exported == 2 && buffer.totals.dropped(.rejected) == 1 && buffer.totals.dropped(.failed) == 2)
        #expect(buffer.isEmpty)
    }

    @Test mutating func retriedBatchStaysInFlight() {
        _ = append()
        _ = buffer.next(hasGathered: true)
        buffer.finished(.retry(afterSeconds: nil))
        #expect(!buffer.isEmpty && buffer.totals == SpanTotals())
    }

    @Test mutating func closedBufferSendsTheRestThenEnds() {
        _ = append()
        buffer.close()
        #expect(!append() && buffer.totals.dropped(.shutdown) == 1)
        #expect(buffer.next(hasGathered: false) == .send([span(1)]))
        #expect(buffer.next(hasGathered: false) == .end)
    }

    @Test mutating func abandonedSpansAreCountedOnce() {
        for _ in 0..<5 { _ = append() }
        _ = buffer.next(hasGathered: false)
        buffer.close()
        buffer.abandon()
        #expect(buffer.totals.dropped(.shutdown) == 5 && buffer.isEmpty)
        // The answer to the last batch comes too late.
        buffer.finished(.delivered(rejected: 0))
        #expect(buffer.totals.exported == 0 && buffer.next(hasGathered: false) == .end)
    }

    private var appended: UInt64 = 0

    /// The spans are numbered from 1.
    private mutating func append() -> Bool {
        appended += 1
        return buffer.append(span(appended))
    }

    private func span(_ number: UInt64) -> SpanRecord {
        SpanRecord(
            name: "cache.get", traceID: TraceID(high: 1, low: 2), spanID: SpanID(number), parent: nil,
            isParentRemote: false,
            kind: .internal, startNanoseconds: 1, endNanoseconds: 2)
    }
}
