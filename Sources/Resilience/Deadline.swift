/// The moment by which something must have happened, on the monotonic clock.
public struct Deadline: Sendable {
    public let instant: ContinuousClock.Instant

    public init(after duration: Duration) {
        instant = ContinuousClock.now.advanced(by: duration)
    }

    public init(at instant: ContinuousClock.Instant) {
        self.instant = instant
    }

    /// The earlier of the two.
    public func earlier(_ other: Deadline) -> Deadline { instant < other.instant ? self : other }

    public var isPast: Bool { ContinuousClock.now >= instant }

    /// The remaining time, never negative.
    public var remaining: Duration { max(.zero, ContinuousClock.now.duration(to: instant)) }

    /// The remaining time for `poll(2)`: rounded up, so that it never returns before the deadline; 0 once it is past.
    public var remainingMilliseconds: Int32 { remaining.roundedUpMilliseconds }
}

extension Duration {
    /// Whole milliseconds, rounded up and capped at `Int32.max`; 0 for a negative duration.
    public var roundedUpMilliseconds: Int32 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        guard seconds < 2_147_483 else { return .max }
        return Int32(seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
