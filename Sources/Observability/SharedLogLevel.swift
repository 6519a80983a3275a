public import Logging
import Synchronization

/// The log level of all loggers: it may be changed while they are used.
public final class SharedLogLevel: Sendable {
    private static let levels = Logger.Level.allCases
    /// Its index among the levels.
    private let place: Atomic<Int>

    public init(_ level: Logger.Level) { place = Atomic(Self.place(of: level)) }

    public var level: Logger.Level {
        get { Self.levels[place.load(ordering: .relaxed)] }
        set { place.store(Self.place(of: newValue), ordering: .relaxed) }
    }

    private static func place(of level: Logger.Level) -> Int { levels.firstIndex(of: level)! }
}
