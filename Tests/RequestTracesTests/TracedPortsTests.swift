@testable import RequestTraces
import StreamIssuing
import Testing
import Tracing

@Suite struct TracedPortsTests {
    private let sink = CollectedSpans()
    private let user = ULID("00000000000000000000000001")!
    private let track = ULID("00000000000000000000000002")!
    private var tracer: StreamTracer { StreamTracer(sampler: Sampler(ratio: 1), sink: sink) }

    private func inRoot(_ body: () throws -> Void) rethrows {
        let root = tracer.root(.getURL, continuing: nil)!
        try ServiceContext.$current.withValue(root.context) { try body() }
        root.end()
    }

    @Test func questionAndAnswerAreOneSpanAndTheCacheReadItsSibling() throws {
        let store = TracedTrackStore(FakeTrackStore(), tracer)
        let cache = TracedStreamURLCache(FakeCache(), isServer: true, tracer)
        inRoot {
            try? store.ask(user: user, track: track, by: .now)
            _ = cache.read(user: user, track: track)
            _ = try? store.answer()
        }
        let (root, ask, read) = (sink.span(.getURL), sink.span(.databaseAuthorize), sink.span(.cacheGet))
        #expect(ask?.parent == root?.spanID && read?.parent == root?.spanID && ask?.kind == .client && read?.kind == .client)
        #expect(ask?.fields == [.postgreSQL, SpanField(name: .errorType, value: .text("fake"))] && ask?.status == .error)
        #expect(read?.fields == [.redis, .cacheHit(false)] && read?.status == .unset)
    }

    @Test func questionThatFailsEndsItsSpan() throws {
        let base = FakeTrackStore()
        base.failureOnAsk = Unavailable(.database, code: "refused", reason: "")
        inRoot { try? TracedTrackStore(base, tracer).ask(user: user, track: track, by: .now) }
        #expect(sink.spans.map(\.name) == ["db.authorize", "stream.get_url"])
    }

    @Test func cacheThatFailsFailsItsSpansAndNothingElse() throws {
        let base = FakeCache()
        base.lastFailure = Unavailable(.cache, code: "timeout", reason: "")
        let cache = TracedStreamURLCache(base, isServer: true, tracer)
        let entry = CachedStreamURL(
            presigned: PresignedURL(url: "https://h/secret", expiresAt: UnixTime(seconds: 9)),
            stamp: Stamp(trackVersion: 1, objectKey: "audio/secret", userEpoch: 1, presignFingerprint: 1))
        inRoot {
            _ = cache.read(user: user, track: track)
            cache.write(entry, user: user, track: track, timeToLive: .seconds(1))
        }
        for name in [SpanName.cacheGet, .cacheSet] {
            #expect(sink.span(name)?.status == .error)
            #expect(sink.span(name)?.fields.contains(SpanField(name: .errorType, value: .text("timeout"))) == true)
        }
        #expect(sink.span(.getURL)?.status == .unset && !"\(sink.spans)".contains("secret"))
    }

    @Test func lookUpAndSignatureAreSpansThatHoldNoKey() throws {
        let base = FakeObjectStore()
        let objects = TracedObjectStore(base, tracer)
        inRoot {
            base.failure = Unavailable(.objectStore, code: "missing_object", reason: "")
            try? objects.verify(objectKey: "audio/secret", by: .now)
            _ = try? objects.presign(objectKey: "audio/secret", contentType: "audio/mpeg", at: UnixTime(seconds: 0))
        }
        #expect(sink.spans.map(\.name) == ["storage.head", "storage.presign", "stream.get_url"])
        #expect(sink.span(.storageHead)?.status == .error && sink.span(.storageHead)?.fields.first == .head)
        #expect(!"\(sink.spans)".contains("secret"))
    }

    @Test func withoutATracerOrARootNothingIsRecordedAndAllIsPassedOn() {
        for tracer in [nil, tracer] {
            #expect(throws: Unavailable.self) { try TracedTrackStore(FakeTrackStore(), tracer).answer() }
            #expect(TracedStreamURLCache(FakeCache(), isServer: false, tracer).read(user: user, track: track) == nil)
            #expect(throws: Never.self) { try TracedObjectStore(FakeObjectStore(), tracer).verify(objectKey: "", by: .now) }
        }
        #expect(sink.spans.isEmpty)
    }
}
