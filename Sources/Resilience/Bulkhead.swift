/// Who may wait for a dependency that all share, so that its stall leaves threads for those who do not need it: a value (M. Nygard,
/// "Release It!", "Bulkheads").
///
/// At most `limit` calls are inside. While they come and go, a further one waits for a place. Once the oldest of them has been inside
/// for longer than `patience`, the dependency counts as stalled and nobody waits any more.
public struct Bulkhead: Sendable {
    public struct Policy: Sendable, Equatable {
        /// Calls inside at once: 1 or more.
        public let limit: Int
        /// Longer than a call takes in good times, shorter than a caller can spare. Default 250 ms.
        public let patience: Duration

        public init(limit: Int, patience: Duration = .milliseconds(250)) {
            self.limit = max(1, limit)
            self.patience = patience
        }
    }

    public enum Decision: Sendable, Equatable {
        /// - Parameter place: to be left with.
        case enter(place: Int)
        /// For a place, no longer than that.
        case wait(until: ContinuousClock.Instant)
        case refused
    }

    private let policy: Policy
    /// When the call in each place entered; nil where it is free.
    private var places: [ContinuousClock.Instant?]

    public init(_ policy: Policy) {
        self.policy = policy
        places = Array(repeating: nil, count: policy.limit)
    }

    public var occupied: Int { places.count { $0 != nil } }

    public mutating func ask(at now: ContinuousClock.Instant) -> Decision {
        if let place = places.firstIndex(of: nil) {
            places[place] = now
            return .enter(place: place)
        }
        let stalledFrom = places.compactMap(\.self).min().map { $0.advanced(by: policy.patience) } ?? now
        return now < stalledFrom ? .wait(until: stalledFrom) : .refused
    }

    public mutating func leave(place: Int) {
        places[place] = nil
    }
}
