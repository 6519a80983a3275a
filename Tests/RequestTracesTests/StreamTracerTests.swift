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
        #expect(
            span.traceID == remote.traceID && span.parent == remote.spanID && span.isParentRemote
                && span.kind == .server)
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

    @Test func everySpanOfARequestHasItsCallersState() throws {
        let tracer = tracer()
        let root = try #require(tracer.root(.getURL, continuing: remote, state: "rojo=1, congo=2"))
        ServiceContext.$current.withValue(root.context) { tracer.child(.cacheGet, .client)?.end() }
        tracer.record(.storageHead, .client, below: root, began: .now, ended: .now) { _ in }
        root.end()
        #expect(sink.spans.count == 3 && sink.spans.allSatisfy { $0.traceState?.description == "rojo=1,congo=2" })
    }

    @Test func stateWithoutAParentOrThatIsInvalidIsDropped() throws {
        try #require(tracer().root(.getURL, continuing: nil, state: "rojo=1")).end()
        try #require(tracer().root(.getURL, continuing: remote, state: "Rojo=1")).end()
        #expect(sink.spans.count == 2 && sink.spans.allSatisfy { $0.traceState == nil })
    }

    @Test func stateOfATraceThatIsNotRecordedIsNotRead() {
        let parent = TraceParent(traceID: remote.traceID, spanID: remote.spanID, isSampled: false)
        func state() -> String? {
            Issue.record("the state was read")
            return nil
        }
        #expect(tracer().root(.getURL, continuing: parent, state: state()) == nil)
    }

    @Test func parentAndStateAreCarriedOn() throws {
        let (tracer, carried) = (tracer(), ["traceparent": remote.description, "tracestate": "rojo=1"])
        var context = ServiceContext.topLevel
        tracer.extract(carried, into: &context, using: Headers())
        #expect(context.remoteParent == remote)
        let span = tracer.startSpan("stream.get_url", context: context)
        span.end()
        var outgoing: [String: String] = [:]
        tracer.inject(span.context, into: &outgoing, using: Headers())
        #expect(outgoing["tracestate"] == "rojo=1")
        #expect(outgoing["traceparent"]?.hasPrefix("00-\(remote.traceID)-") == true)
    }

    private struct Headers: Extractor, Injector {
        func extract(key: String, from carrier: [String: String]) -> String? { carrier[key] }
        func inject(_ value: String, forKey key: String, into carrier: inout [String: String]) { carrier[key] = value }
    }

    @Test func samplerThatDoesNotFollowParentsDecidesForTheWholeTrace() throws {
        let unsampled = TraceParent(traceID: remote.traceID, spanID: remote.spanID, isSampled: false)
        let all = StreamTracer(sampler: Sampler(ratio: 1, followsParent: false), sink: sink, random: countingNumbers())
        let root = try #require(all.root(.getURL, continuing: unsampled))
        ServiceContext.$current.withValue(root.context) { all.child(.cacheGet, .client)?.end() }
        root.end()
        #expect(sink.spans.map(\.traceID) == [remote.traceID, remote.traceID])
        let none = StreamTracer(sampler: Sampler(ratio: 0, followsParent: false), sink: sink, random: countingNumbers())
        #expect(none.root(.getURL, continuing: remote) == nil)
        none.withSpan("stream.get_url") { _ in all.withSpan("cache.get") { #expect(!$0.isRecording) } }
        #expect(sink.spans.count == 2)
    }

    @Test func everySpanOfARequestHasItsCorrelationID() throws {
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

    @Test func lateRootStartsWithItsRequest() throws {
        try #require(tracer().root(.getURL, continuing: nil, begun: .seconds(2))).end()
        let span = try #require(sink.spans.first)
        #expect((2_000_000_000..<60_000_000_000).contains(span.endNanoseconds - span.startNanoseconds))
    }

    @Test func correlationIDThatNginxWouldRejectIsNotRecorded() throws {
        try #require(tracer().root(.getURL, continuing: nil, correlationID: "a b")).end()
        #expect(sink.span(.getURL)?.fields == [])
    }

    /// Without a parent the ratio decides, by the half of the id that is drawn first.
    @Test func recordedShareEqualsTheRatio() {
        let tracer = StreamTracer(sampler: Sampler(ratio: 0.25), sink: sink)
        let roots = (0..<40_000).compactMap { _ in tracer.root(.getURL, continuing: nil) }
        roots.forEach { $0.end() }
        // 10,000 expected; the standard deviation is 87.
        #expect((9_400...10_600).contains(roots.count))
        #expect(
            Set(sink.spans.map(\.traceID)).count == roots.count && Set(sink.spans.map(\.spanID)).count == roots.count)
    }

    @Test func tracersDoNotShareIDs() throws {
        let ids = try (0..<100).map { _ in
            try #require(StreamTracer(sampler: Sampler(ratio: 1), sink: sink).root(.getURL, continuing: nil)?.traceID)
        }
        #expect(Set(ids).count == 100)
    }

    @Test func unsampledRootLeavesItsChildrenUnsampled() {
        tracer(ratio: 0).withSpan("stream.get_url") { root in
            tracer().withSpan("cache.get") { #expect(!$0.isRecording) }
        }
        #expect(sink.spans.isEmpty)
    }

    @Test func synchronousWithSpanNestsByTaskLocals() throws {
        let tracer = tracer()
        tracer.withSpan("stream.get_url", ofKind: .server) { _ in tracer.withSpan("cache.get") { _ in } }
        let (root, child) = (try #require(sink.span(.getURL)), try #require(sink.span(.cacheGet)))
        #expect(
            root.parent == nil && child.parent == root.spanID && child.traceID == root.traceID && !child.isParentRemote)
        #expect(child.kind == .internal && root.kind == .server)
    }

    @Test func childWithoutACurrentSpanIsNil() { #expect(tracer().child(.cacheGet, .internal) == nil) }

    @Test func zeroIDsAreReplaced() throws {
        let numbers = countingNumbers()
        StreamTracer(sampler: Sampler(ratio: 1), sink: sink, random: { numbers() / 3 }).root(.getURL, continuing: nil)?
            .end()
        let span = try #require(sink.spans.first)
        #expect(span.traceID.low != 0 && span.spanID.value != 0)
    }

    @Test func failureIsACodeAnEventAndAStatusWithoutItsReason() throws {
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

    @Test func callsNameTheirServersAndNoObject() throws {
        let servers = SpanServers(
            database: { SpanServer(path: "/run/postgresql/.s.PGSQL.5432") },
            cache: SpanServer(address: "cache", port: 6379), objectStore: SpanServer(address: "store", port: 443),
            bucketURL: "https://store/audio/")
        let span = try #require(tracer().root(.getURL, continuing: nil))
        span.setDatabase(servers)
        let database = span.attributes
        span.setCache(servers, .pipeline)
        let cache = span.attributes
        span.setObjectStore(servers)
        #expect(database.get("server.address") == .string("/run/postgresql/.s.PGSQL.5432"))
        #expect(database.get("db.operation.name") == .string("SELECT") && database.get("server.port") == nil)
        #expect(cache.get("server.address") == .string("cache") && cache.get("server.port") == .int64(6379))
        #expect(cache.get("db.operation.name") == .string("PIPELINE"))
        #expect(span.attributes.get("url.full") == .string("https://store/audio/REDACTED"))
    }

    @Test func generalAttributesReplaceNoServer() throws {
        let servers = SpanServers(
            database: { nil }, cache: nil, objectStore: SpanServer(address: "store", port: 443),
            bucketURL: "https://store/audio/")
        let span = try #require(tracer().root(.getURL, continuing: nil))
        span.setObjectStore(servers)
        span.attributes["url.full"] = "https://store/audio/secret"
        span.attributes["http.route"] = "/tracks/{trackId}/stream"
        span.end()
        let fields = try #require(sink.spans.first).fields
        #expect(fields.map(\.name) == [.serverAddress, .serverPort, .urlFull, .httpRoute])
        #expect(fields[2].value == .text("https://store/audio/REDACTED"))
    }

    @Test func eachFieldIsExportedOnceWithItsLastValue() throws {
        let span = try #require(tracer().root(.getURL, continuing: nil))
        span.set(.status(200))
        span.set(.status(503))
        span.end()
        #expect(try #require(sink.spans.first).fields == [.status(503)])
    }

    @Test func endedSpanDoesNotChange() throws {
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

    @Test func onlyAnIDThatNginxAcceptsIsACorrelationID() {
        #expect(SpanField.correlation("a-B_1.2")?.value == .text("a-B_1.2"))
        #expect(SpanField.correlation("") == nil && SpanField.correlation("a b") == nil)
        #expect(SpanField.correlation(String(repeating: "a", count: 129)) == nil)
    }
}
