public import Logging
import Synchronization

/// How much is logged, by all loggers at once: it may be changed while they are used.
public final class SharedLogLevel: Sendable {
    private static let levels = Logger.Level.allCases
    /// Its place among them.
    private let place: Atomic<Int>

    public init(_ level: Logger.Level) { place = Atomic(Self.place(of: level)) }

    public var level: Logger.Level {
        get { Self.levels[place.load(ordering: .relaxed)] }
        set { place.store(Self.place(of: newValue), ordering: .relaxed) }
    }

    private static func place(of level: Logger.Level) -> Int { levels.firstIndex(of: level)! }
}
