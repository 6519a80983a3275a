public import Logging
import Resilience

/// Logs an event that a failing dependency repeats at every request: the first occurrence immediately, then at most one
/// line a second, with the number of events that it stands for.
public final class RateLimitedLog: Sendable {
    private struct Occurrences {
        var loggedAt: ContinuousClock.Instant
        var suppressed = 0
        /// The last event that was not logged.
        var last: (level: Logger.Level, event: Logger.Message, metadata: Logger.Metadata)?
    }

    private let logger: Logger
    private let maximumKinds: Int
    private let interval: Duration
    private let now: @Sendable () -> ContinuousClock.Instant
    private let occurrences = Locked<[String: Occurrences]>([:])

    /// - Parameters:
    ///   - maximumKinds: the most kinds that are remembered. Beyond it, kinds that do not recur are forgotten; if there
    ///     are none, all further kinds count as one. An interval has at most this many lines, and one more.
    ///   - now: the clock that the interval is measured by.
    public init(
        _ logger: Logger, maximumKinds: Int = 256, interval: Duration = .seconds(1),
        now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }
    ) {
        self.logger = logger
        self.maximumKinds = maximumKinds
        self.interval = interval
        self.now = now
    }

    /// How many kinds are remembered; never above `maximumKinds` by more than the one for all further ones.
    var kindCount: Int { occurrences.withLock { $0.count } }

    /// - Parameter kind: events of one kind are counted together.
    public func log(_ level: Logger.Level, _ event: Logger.Message, kind: String, _ metadata: Logger.Metadata) {
        let now = now()
        let suppressed: Int? = occurrences.withLock { occurrences in
            var kind = kind
            if occurrences[kind] == nil, occurrences.count >= maximumKinds {
                occurrences = occurrences.filter {
                    $0.value.loggedAt.duration(to: now) < interval || $0.value.suppressed > 0
                }
                if occurrences.count >= maximumKinds { kind = "any other" }
            }
            guard let before = occurrences[kind], before.loggedAt.duration(to: now) < interval else {
                let suppressed = occurrences[kind]?.suppressed ?? 0
                occurrences[kind] = Occurrences(loggedAt: now)
                return suppressed
            }
            occurrences[kind]?.suppressed += 1
            occurrences[kind]?.last = (level, event, metadata)
            return nil
        }
        guard let suppressed else { return }
        logger.log(level: level, event, metadata: Self.withCount(metadata, suppressed))
    }

    /// Logs the events that have waited for another one of their kind for longer than the interval. Call it now and
    /// then.
    public func flushSuppressed() {
        let now = now()
        let rest = occurrences.withLock { occurrences in
            let due = occurrences.filter { $0.value.suppressed > 0 && $0.value.loggedAt.duration(to: now) >= interval }
            for kind in due.keys { occurrences[kind] = Occurrences(loggedAt: now) }
            return due.values.map { ($0.last, $0.suppressed) }
        }
        for case (let last?, let suppressed) in rest {
            // This line is one of them.
            logger.log(level: last.level, last.event, metadata: Self.withCount(last.metadata, suppressed - 1))
        }
    }

    private static func withCount(_ metadata: Logger.Metadata, _ suppressed: Int) -> Logger.Metadata {
        guard suppressed > 0 else { return metadata }
        return metadata.merging(["occurrences_since_last": "\(suppressed)"]) { $1 }
    }
}
