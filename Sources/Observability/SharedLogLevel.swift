public import Logging
import Resilience

/// How much is logged, by all loggers at once: it may be changed while they are used.
public final class SharedLogLevel: Sendable {
    private let value: Locked<Logger.Level>

    public init(_ level: Logger.Level) { value = Locked(level) }

    public var level: Logger.Level {
        get { value.withLock { $0 } }
        set { value.withLock { $0 = newValue } }
    }
}
