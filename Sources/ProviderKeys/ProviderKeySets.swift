public import BearerTokens
public import Resilience
public import StreamIssuing

/// The key sets that providers publish, each refreshed by a thread of its own, so that one that does not answer holds up
/// no other and no request.
public final class ProviderKeySets: Sendable {
    /// For the first fetch, for which a start waits.
    static let startLimit: Duration = .seconds(4)

    private struct State {
        var sets: [KeyLocation: RefreshedKeys] = [:]
        /// Their threads may still be in a fetch.
        var dropped: [RefreshedKeys] = []
        var observer: KeyRefreshObserver?
    }

    private let state = Locked(State())
    private let clock: any WallClock
    private let isStoring: Bool

    /// - Parameter isStoring: false for a command, which reads stored sets and writes none: another account may run it.
    public init(clock: any WallClock, isStoring: Bool = true) {
        self.clock = clock
        self.isStoring = isStoring
    }

    /// Makes the sets of all locations known: those that are not known yet are fetched, or read from the directory where
    /// the provider does not answer. It blocks for 4 s at most for each location.
    /// - Parameter directory: where sets are kept; nil where they are not.
    /// - Returns: why, for each location whose set was not fetched.
    public func load(_ declared: DeclaredTokens, directory: String?) -> [KeyLoadFailure] {
        var failures: [KeyLoadFailure] = []
        for location in declared.locations {
            let known = state.withLock { $0.sets[location] }
            if known?.keys != nil { continue }
            let set = known ?? RefreshedKeys(location, declared.algorithms, stored: stored(directory), clock)
            let (failure, storing) = set.load(within: Self.startLimit)
            if let failure { failures.append(failure.with(isNew: known == nil)) }
            let observer = state.withLock { state in
                state.sets[location] = set
                return state.observer
            }
            if let storing { notStored(location, storing, observer) }
            if known == nil, let observer { set.start(observer) }
        }
        return failures
    }

    /// What could not be stored before there was an observer.
    private let unreported = Locked<[(KeyLocation, String)]>([])

    private func notStored(_ location: KeyLocation, _ reason: String, _ observer: KeyRefreshObserver?) {
        guard let observer else { return unreported.withLock { $0.append((location, reason)) } }
        observer.notStored(location, reason)
    }

    private func stored(_ directory: String?) -> StoredKeys? {
        directory.map { StoredKeys(directory: $0, isWritten: isStoring) }
    }

    /// Keeps the sets of these providers, with their algorithms, and ends the threads of all others.
    public func adopt(_ declared: DeclaredTokens) {
        let locations = declared.locations
        let (kept, dropped) = state.withLock { state in
            let dropped = state.sets.values.filter { !locations.contains($0.location) }
            state.sets = state.sets.filter { locations.contains($0.key) }
            state.dropped += dropped
            return (Array(state.sets.values), dropped)
        }
        for set in kept { set.use(declared.algorithms) }
        for set in dropped { set.stop() }
    }

    /// The sets that are known.
    public var current: [KeyLocation: PublishedKeys] {
        sets.reduce(into: [:]) { $0[$1.location] = $1.keys }
    }

    /// Whether they are refreshed: not at a start yet.
    public var isStarted: Bool { state.withLock { $0.observer != nil } }

    /// By location, for metrics.
    public var figures: [KeySetFigures] {
        let now = clock.now
        return sets.map { $0.figures(at: now) }
    }

    /// Refreshes all sets from now on, those of later loads included.
    public func start(_ observer: KeyRefreshObserver) {
        let sets = state.withLock { state in
            state.observer = observer
            return Array(state.sets.values)
        }
        for set in sets { set.start(observer) }
        for (location, reason) in unreported.withLock({ $0 }) { observer.notStored(location, reason) }
    }

    /// Fetches all sets again, soon: the operator asks for it.
    public func refresh() {
        for set in sets { set.request() }
    }

    /// A token names a key that is not known. Blocks for nothing.
    /// - Returns: whether a set is being fetched, which may hold it.
    public func keyIsUnknown() -> Bool {
        // Each of them, not only the first.
        sets.map { $0.keyIsUnknown() }.contains(true)
    }

    /// Asks the threads to end.
    public func stop() {
        for set in all { set.stop() }
    }

    /// Waits for their end, after `stop`. A fetch that has not returned by `deadline` is abandoned.
    /// - Returns: whether they have ended.
    @discardableResult
    public func join(by deadline: Deadline) -> Bool { all.map { $0.join(by: deadline) }.allSatisfy { $0 } }

    private var sets: [RefreshedKeys] { state.withLock { Array($0.sets.values) } }
    private var all: [RefreshedKeys] { state.withLock { $0.sets.values + $0.dropped } }
}

/// Called on the thread of a set, without a lock.
public struct KeyRefreshObserver: Sendable {
    let refreshed: @Sendable (KeyRefresh) -> Void
    let ended: @Sendable () -> Void
    let notStored: @Sendable (KeyLocation, String) -> Void

    /// - Parameters:
    ///   - refreshed: called after each fetch; takes the keys.
    ///   - ended: called when the keys are taken: from then on no request waits for this fetch.
    ///   - notStored: called with the reason why a set was not written to the state directory.
    public init(
        refreshed: @escaping @Sendable (KeyRefresh) -> Void, ended: @escaping @Sendable () -> Void,
        notStored: @escaping @Sendable (KeyLocation, String) -> Void
    ) {
        self.refreshed = refreshed
        self.ended = ended
        self.notStored = notStored
    }
}

/// What a fetch has led to.
public struct KeyRefresh: Sendable {
    public enum Outcome: String, Sendable, CaseIterable {
        case changed, unchanged, unreachable, invalid
    }

    public let location: KeyLocation
    public let outcome: Outcome
    /// Those that are used now; nil where none is known.
    public let keys: PublishedKeys?
    /// Why the fetch failed; it quotes no key.
    public let reason: String?
}

/// Why a set was not fetched at a start or a reload.
public struct KeyLoadFailure: Sendable {
    public let location: KeyLocation
    public let failure: KeyFetchFailure
    /// Whether the last good set is used instead.
    public let isStored: Bool
    /// Whether the location was not known before.
    public private(set) var isNew = true

    init(location: KeyLocation, failure: KeyFetchFailure, isStored: Bool) {
        self.location = location
        self.failure = failure
        self.isStored = isStored
    }

    func with(isNew: Bool) -> KeyLoadFailure {
        var changed = self
        changed.isNew = isNew
        return changed
    }
}

public struct KeySetFigures: Sendable {
    public let location: KeyLocation
    /// Keys that can verify tokens.
    public let count: Int
    /// Since the last fetch that succeeded; nil where there was none.
    public let age: Duration?
}
