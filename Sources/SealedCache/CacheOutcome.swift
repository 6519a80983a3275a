public import Cryptography
public import StreamIssuing

/// The result of one read or write of the cache, for spans, metrics and log lines.
public struct CacheOutcome: Sendable, Equatable {
    public enum Operation: String, Sendable, CaseIterable {
        case read, write
    }

    public enum Result: Sendable, Equatable {
        case hit
        case miss
        /// A value that does not open, which is a miss.
        case rejected(EntrySealer.OpenFailure)
        case stored(expiresAt: UnixTime, keyVersion: KeyRing.Version)
        case failed(ValueStoreError)
        case circuitOpen(retryAt: ContinuousClock.Instant)
    }

    public let operation: Operation
    public let track: ULID
    public let result: Result
    /// Whether the copy in this process answered, so that the store was not asked.
    public let isFromCopy: Bool
    public let began: ContinuousClock.Instant
    /// When the answer arrived, not when a task took it. A write's time includes that in the queue.
    public let ended: ContinuousClock.Instant

    init(
        operation: Operation, track: ULID, result: Result, isFromCopy: Bool = false, began: ContinuousClock.Instant,
        ended: ContinuousClock.Instant
    ) {
        self.operation = operation
        self.track = track
        self.result = result
        self.isFromCopy = isFromCopy
        self.began = began
        self.ended = ended
    }

    public var duration: Duration { began.duration(to: ended) }
    /// False where the circuit was open.
    public var wasAttempted: Bool { if case .circuitOpen = result { false } else { true } }

    /// Nil where the store did as it was asked; that includes a miss.
    public var failure: Unavailable? {
        switch result {
        case .hit, .miss, .rejected, .stored: nil
        case .failed(let error): Unavailable(.cache, code: error.code, reason: error.reason)
        case .circuitOpen(let retryAt): .circuitOpen(.cache, retryAfter: ended.duration(to: retryAt))
        }
    }
}
