public import Logging
import Resilience

/// Logs an event that a failing dependency repeats at every request: its first occurrence at once, then at most one line a
/// second that says how many it stands for.
public final class RepeatedEventLog: Sendable {
    private struct Occurrences {
        var loggedAt: ContinuousClock.Instant
        var suppressed = 0
    }

    /// Kinds that are remembered at most; beyond it those that nobody repeats are forgotten, and if there are none, all.
    static let maximumKinds = 1024

    private let logger: Logger
    private let interval: Duration
    private let now: @Sendable () -> ContinuousClock.Instant
    private let occurrences = Locked<[String: Occurrences]>([:])

    /// - Parameter now: the clock that the interval is measured by.
    public init(
        _ logger: Logger, interval: Duration = .seconds(1),
        now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }
    ) {
        self.logger = logger
        self.interval = interval
        self.now = now
    }

    /// How many kinds are remembered; never above `maximumKinds`.
    var kindCount: Int { occurrences.withLock { $0.count } }

    /// - Parameter kind: events of one kind are counted together.
    public func log(_ level: Logger.Level, _ event: Logger.Message, kind: String, _ metadata: Logger.Metadata) {
        let now = now()
        let suppressed: Int? = occurrences.withLock { occurrences in
            guard let last = occurrences[kind], last.loggedAt.duration(to: now) < interval else {
                let suppressed = occurrences[kind]?.suppressed ?? 0
                if occurrences.count >= Self.maximumKinds {
                    occurrences = occurrences.filter { $0.value.loggedAt.duration(to: now) < interval }
                    if occurrences.count >= Self.maximumKinds { occurrences.removeAll() }
                }
                occurrences[kind] = Occurrences(loggedAt: now)
                return suppressed
            }
            occurrences[kind]?.suppressed += 1
            return nil
        }
        guard let suppressed else { return }
        var metadata = metadata
        if suppressed > 0 { metadata["occurrences_since_last"] = "\(suppressed)" }
        logger.log(level: level, event, metadata: metadata)
    }
}
