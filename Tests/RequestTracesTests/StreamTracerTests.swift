@testable import RequestTraces
import StreamIssuing
import Testing
import Tracing

@Suite struct StreamTracerTests {
    private let sink = CollectedSpans()
    private let remote = TraceParent(traceID: TraceID(high: 7, low: 8), spanID: SpanID(9), isSampled: true)

    private func tracer(ratio: Double = 1) -> StreamTracer {
        StreamTracer(sampler: Sampler(ratio: ratio), sink: sink, random: countingNumbers())
    }

    @Test func rootContinuesItsRemoteParent() throws {
        try #require(tracer(ratio: 0).root(.getURL, continuing: remote)).end()
        let span = try #require(sink.spans.first)
        #expect(span.traceID == remote.traceID && span.parent == remote.spanID && span.isParentRemote && span.kind == .server)
    }

    @Test func traceThatItsParentDoesNotSampleIsNotRecorded() {
        let parent = TraceParent(traceID: remote.traceID, spanID: remote.spanID, isSampled: false)
        #expect(tracer().root(.getURL, continuing: parent) == nil)
        var context = ServiceContext.topLevel
        context.remoteParent = parent
        let span = tracer().startSpan("stream.get_url", context: context)
        ServiceContext.$current.withValue(span.context) { #expect(tracer().child(.cacheGet, .internal) == nil) }
        span.end()
        #expect(sink.spans.isEmpty && !span.isRecording)
    }

    @Test func everySpanOfARequestTellsItsCorrelation() throws {
        let tracer = tracer()
        let root = try #require(tracer.root(.getURL, continuing: remote, correlationID: "kept-1"))
        ServiceContext.$current.withValue(root.context) {
            let child = tracer.child(.cacheGet, .client)
            child?.set(.redis)
            child?.end()
        }
        root.end()
        let correlation = try #require(SpanField.correlation("kept-1"))
        #expect(sink.span(.getURL)?.fields == [correlation] && sink.span(.cacheGet)?.fields == [correlation, .redis])
    }

    @Test func rootThatIsMadeLateBeganWhenItsRequestDid() throws {
        try #require(tracer().root(.getURL, continuing: nil, begun: .seconds(2))).end()
        let span = try #require(sink.spans.first)
        #expect((2_000_000_000..<60_000_000_000).contains(span.endNanoseconds - span.startNanoseconds))
    }

    @Test func correlationThatNginxWouldNotLetPassIsNotTold() throws {
        try #require(tracer().root(.getURL, continuing: nil, correlationID: "a b")).end()
        #expect(sink.span(.getURL)?.fields == [])
    }

    /// Without a parent the ratio decides, by the half of the id that is drawn first.
    @Test func asManyAreRecordedAsTheRatioSays() {
        let tracer = StreamTracer(sampler: Sampler(ratio: 0.25), sink: sink)
        let roots = (0..<40_000).compactMap { _ in tracer.root(.getURL, continuing: nil) }
        roots.forEach { $0.end() }
        // 10,000 expected; the standard deviation is 87.
        #expect((9_400...10_600).contains(roots.count))
        #expect(Set(sink.spans.map(\.traceID)).count == roots.count && Set(sink.spans.map(\.spanID)).count == roots.count)
    }

    @Test func noTwoTracersNumberAlike() throws {
        let ids = try (0..<100).map { _ in
            try #require(StreamTracer(sampler: Sampler(ratio: 1), sink: sink).root(.getURL, continuing: nil)?.traceID)
        }
        #expect(Set(ids).count == 100)
    }

    @Test func unsampledRootLeavesItsChildrenUnsampled() {
        tracer(ratio: 0).withSpan("stream.get_url") { root in tracer().withSpan("cache.get") { #expect(!$0.isRecording) } }
        #expect(sink.spans.isEmpty)
    }

    @Test func synchronousWithSpanNestsByTaskLocals() throws {
        let tracer = tracer()
        tracer.withSpan("stream.get_url", ofKind: .server) { _ in tracer.withSpan("cache.get") { _ in } }
        let (root, child) = (try #require(sink.span(.getURL)), try #require(sink.span(.cacheGet)))
        #expect(root.parent == nil && child.parent == root.spanID && child.traceID == root.traceID && !child.isParentRemote)
        #expect(child.kind == .internal && root.kind == .server)
    }

    @Test func childWithoutACurrentSpanIsNone() { #expect(tracer().child(.cacheGet, .internal) == nil) }

    @Test func idsOfZeroAreDrawnAgain() throws {
        let numbers = countingNumbers()
        StreamTracer(sampler: Sampler(ratio: 1), sink: sink, random: { numbers() / 3 }).root(.getURL, continuing: nil)?.end()
        let span = try #require(sink.spans.first)
        #expect(span.traceID.low != 0 && span.spanID.value != 0)
    }

    @Test func failureIsAWordAnEventAndAStatusButNoText() throws {
        let span = try #require(tracer().root(.getURL, continuing: nil))
        span.fail(Unavailable(.database, code: "timeout", reason: "secret"))
        span.end()
        let record = try #require(sink.spans.first)
        #expect(record.status == .error && record.fields == [SpanField(name: .errorType, value: .text("timeout"))])
        #expect(record.events.map(\.name) == ["exception"])
        #expect(record.events.first?.fields == [SpanField(name: .exceptionType, value: .text("timeout"))])
    }

    @Test func attributeThatIsNotOnTheListIsDropped() throws {
        let span = try #require(tracer().root(.getURL, continuing: nil))
        span.attributes["url.full"] = "https://h/secret"
        span.attributes["http.route"] = "/tracks/{trackId}/stream"
        span.set(.status(200))
        span.end()
        #expect(try #require(sink.spans.first).fields == [.streamRoute, .status(200)])
    }

    @Test func eachFieldComesOnceWithItsLastValue() throws {
        let span = try #require(tracer().root(.getURL, continuing: nil))
        span.set(.status(200))
        span.set(.status(503))
        span.end()
        #expect(try #require(sink.spans.first).fields == [.status(503)])
    }

    @Test func endedSpanChangesNoMore() throws {
        let span = try #require(tracer().root(.getURL, continuing: nil))
        span.end()
        span.set(.post)
        span.end()
        #expect(sink.spans.count == 1 && sink.spans.first?.fields == [])
    }

    @Test func spanNeverEndsBeforeItsStart() throws {
        let span = try #require(tracer().root(.getURL, continuing: nil))
        span.end(at: DefaultTracerClock.Timestamp(nanosecondsSinceEpoch: 1))
        let record = try #require(sink.spans.first)
        #expect(record.endNanoseconds == record.startNanoseconds)
    }

    @Test func onlyAnIDThatNginxLetsPassIsACorrelation() {
        #expect(SpanField.correlation("a-B_1.2")?.value == .text("a-B_1.2"))
        #expect(SpanField.correlation("") == nil && SpanField.correlation("a b") == nil)
        #expect(SpanField.correlation(String(repeating: "a", count: 129)) == nil)
    }
}
