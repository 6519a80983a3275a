import HTTPClient
@testable import RequestTraces
import Resilience
import TestSupport
import Testing

@Suite struct ExporterTests {
    private let record = SpanRecord(
        name: "cache.get", traceID: TraceID(high: 1, low: 2), spanID: SpanID(3), parent: nil, isParentRemote: false,
        kind: .internal,
        startNanoseconds: 1, endNanoseconds: 2)
    /// ExportTraceServiceResponse { partial_success { rejected_spans: 2, error_message: "x" } }
    private let partial: [UInt8] = [0x0A, 0x05, 0x08, 0x02, 0x12, 0x01, 0x78]

    @Test(arguments: [429, 502, 503, 504])
    func overloadedCollectorIsRetriedAfterItsRetryAfter(_ status: Int) {
        let answer = HTTPResponse(status: status, retryAfterSeconds: 3)
        #expect(ExportVerdict.of(answer, spans: 1, attempt: 4, isLast: false) == .retry(afterSeconds: 3))
        #expect(ExportVerdict.of(answer, spans: 1, attempt: 5, isLast: false) == .drop(.failed))
        #expect(ExportVerdict.of(answer, spans: 1, attempt: 1, isLast: true) == .drop(.failed))
    }

    @Test func unreachableCollectorIsRetried() {
        #expect(ExportVerdict.of(nil, spans: 1, attempt: 1, isLast: false) == .retry(afterSeconds: nil))
    }

    @Test(arguments: [301, 400, 401, 404, 413, 500, 501])
    func refusalIsFinal(_ status: Int) {
        #expect(ExportVerdict.of(HTTPResponse(status: status), spans: 1, attempt: 1, isLast: false) == .drop(.rejected))
    }

    @Test func partialSuccessCountsRejectedSpans() {
        let answer = HTTPResponse(status: 200, body: partial)
        #expect(ExportVerdict.of(answer, spans: 5, attempt: 1, isLast: false) == .delivered(rejected: 2))
        #expect(ExportVerdict.of(answer, spans: 1, attempt: 1, isLast: false) == .delivered(rejected: 1))
    }

    @Test func damagedResponseDoesNotCrash() {
        var random = SeededRandom(seed: 1)
        for _ in 0..<10_000 { _ = OTLPMessage.rejectedSpans(random.mutated(partial)) }
        #expect(OTLPMessage.rejectedSpans([0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]) == 0)
    }

    @Test func fullQueueDropsTheNewest() {
        let queue = SpanQueue(capacity: 2, batchLimit: 2)
        for _ in 0..<5 { queue.append(record) }
        #expect(queue.currentTotals.dropped(.queueFull) == 3)
        #expect(queue.next(interval: .zero)?.count == 2)
        // What is on its way still takes its place.
        queue.append(record)
        #expect(queue.currentTotals.dropped(.queueFull) == 4)
        queue.finished(.delivered(rejected: 1))
        #expect(queue.currentTotals.exported == 1 && queue.currentTotals.dropped(.rejected) == 1)
    }

    @Test func shutdownCountsUnsentSpans() {
        let queue = SpanQueue(capacity: 10, batchLimit: 2)
        for _ in 0..<5 { queue.append(record) }
        _ = queue.next(interval: .zero)
        #expect(!queue.shutdown(by: Deadline(after: .zero)))
        queue.append(record)
        queue.finished(.delivered(rejected: 0))
        #expect(queue.currentTotals.dropped(.shutdown) == 6 && queue.currentTotals.exported == 0)
        #expect(queue.next(interval: .zero) == nil)
    }

    @Test func collectorThatRefusesConnectionsLosesOnlySpans() {
        let exporter = OTLPExporter(
            url: "http://127.0.0.1:1/v1/traces",
            resource: TraceResource(serviceName: "s", serviceVersion: "1", instanceID: "i"),
            policy: .init(interval: .milliseconds(1), firstRetry: .seconds(30)))
        for _ in 0..<5000 { exporter.export(record) }
        // All are handed over while the first batch is still being tried: none has waited until there was room.
        #expect(exporter.totals.dropped(.queueFull) == 5000 - OTLPExporter.Policy().queueLimit)
        exporter.shutdown(by: Deadline(after: .seconds(5)))
        let totals = exporter.totals
        #expect(totals.exported == 0)
        #expect(totals.dropped(.queueFull) + totals.dropped(.failed) + totals.dropped(.shutdown) == 5000)
        #expect(exporter.join(by: Deadline(after: .seconds(20))))
    }
}
