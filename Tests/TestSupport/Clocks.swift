import Resilience
public import StreamIssuing

/// A wall clock that stands where it was set.
public final class SettableWallClock: WallClock {
    private let time: Locked<UnixTime>

    public init(_ seconds: Int64) { time = Locked(UnixTime(seconds: seconds)) }

    public var now: UnixTime { time.withLock { $0 } }

    public func set(_ seconds: Int64) { time.withLock { $0 = UnixTime(seconds: seconds) } }
}

/// A clock that never jumps, moved by hand.
public final class ManualClock: Sendable {
    private let instant = Locked(ContinuousClock.now)

    public init() {}

    public var now: ContinuousClock.Instant { instant.withLock { $0 } }

    public func advance(by duration: Duration) { instant.withLock { $0 = $0.advanced(by: duration) } }
}
