@testable import RequestTraces
import Resilience

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
