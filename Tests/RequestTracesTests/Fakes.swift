@testable import RequestTraces
import Resilience
import StreamIssuing

/// Spans in the order in which they ended.
final class CollectedSpans: SpanSink {
    private let collected = Locked<[SpanRecord]>([])

    var spans: [SpanRecord] { collected.withLock { $0 } }
    func span(_ name: SpanName) -> SpanRecord? { spans.first { $0.name == name.rawValue } }
    func export(_ span: SpanRecord) { collected.withLock { $0.append(span) } }
    func flush() {}
}

/// 1, 2, 3, …
func countingNumbers() -> @Sendable () -> UInt64 {
    let last = Locked<UInt64>(0)
    return {
        last.withLock { last in
            last += 1
            return last
        }
    }
}

final class FakeTrackStore: TrackStore {
    var failureOnAsk: Unavailable?
    var failureOnAnswer: Unavailable?

    func ask(user: ULID, track: ULID, by deadline: ContinuousClock.Instant) throws(Unavailable) {
        if let failureOnAsk { throw failureOnAsk }
    }

    func answer() throws(Unavailable) -> AccessFacts { throw failureOnAnswer ?? Unavailable(.database, code: "fake", reason: "") }
}

final class FakeCache: StreamURLCache {
    var entry: CachedStreamURL?
    var lastFailure: Unavailable?

    func read(user: ULID, track: ULID) -> CachedStreamURL? { entry }
    func write(_ entry: CachedStreamURL, user: ULID, track: ULID, timeToLive: Duration) { self.entry = entry }
}

final class FakeObjectStore: ObjectStore {
    var failure: Unavailable?

    func verify(objectKey: SecretText, by deadline: ContinuousClock.Instant) throws(Unavailable) {
        if let failure { throw failure }
    }

    func presign(objectKey: SecretText, contentType: String, at now: UnixTime) throws(Unavailable) -> PresignedURL {
        PresignedURL(url: "https://h/secret", expiresAt: now)
    }
}
