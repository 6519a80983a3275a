import BearerTokens
import Resilience
import StreamIssuing

/// The key set at one location, and the thread that fetches it again.
final class RefreshedKeys: Sendable {
    /// For a fetch that no start waits for.
    static let fetchLimit: Duration = .seconds(10)

    private struct State {
        var keys: PublishedKeys?
        var fetchedAt: UnixTime?
        var schedule = RefreshSchedule(due: .now)
        var algorithms: [SignatureAlgorithm]
        var isFetching = false
        /// The operator asked during a fetch, which may have begun before what made the operator ask.
        var isRequestedAgain = false
        var isStopped = false
    }

    let location: KeyLocation
    private let stored: StoredKeys?
    private let clock: any WallClock
    private let state: ConditionLocked<State>
    private let thread = Locked<WorkerThread?>(nil)

    init(
        _ location: KeyLocation, _ algorithms: [SignatureAlgorithm], stored: StoredKeys?, _ clock: any WallClock
    ) {
        self.location = location
        self.stored = stored
        self.clock = clock
        state = ConditionLocked(State(algorithms: algorithms))
    }

    var keys: PublishedKeys? { state.withLock { $0.keys } }

    /// When the next fetch is due.
    var due: ContinuousClock.Instant { state.withLock { $0.schedule.due } }

    func use(_ algorithms: [SignatureAlgorithm]) { state.withLock { $0.algorithms = algorithms } }

    func figures(at now: UnixTime) -> KeySetFigures {
        let (keys, algorithms, fetchedAt) = state.withLock { ($0.keys, $0.algorithms, $0.fetchedAt) }
        return KeySetFigures(
            location: location, count: (try? keys?.bounded(by: algorithms).keys.count) ?? 0,
            age: fetchedAt.map { max(.zero, $0.duration(to: now)) })
    }

    // MARK: A start or a reload

    /// Makes the set known, on the caller's thread: fetched, or else the stored one.
    func load(within limit: Duration) -> (failure: KeyLoadFailure?, storing: String?) {
        switch fetch(within: limit) {
        case .success(let fetched):
            _ = take(fetched)
            return (nil, stored?.write(fetched.text, location))
        case .failure(let failure):
            failed(failure)
            if keys == nil, let (keys, fetchedAt) = stored?.read(location), isUsable(keys) {
                state.withLock { ($0.keys, $0.fetchedAt) = (keys, fetchedAt) }
            }
            return (KeyLoadFailure(location: location, failure: failure, isStored: keys != nil), nil)
        }
    }

    private func isUsable(_ keys: PublishedKeys) -> Bool {
        (try? keys.bounded(by: state.withLock { $0.algorithms })) != nil
    }

    // MARK: Refreshing

    func start(_ observer: KeyRefreshObserver) {
        let thread = WorkerThread(name: "token-keys") { [self] in
            while waitUntilDue() { refresh(observer) }
        }
        self.thread.withLock { $0 = thread }
    }

    func request() {
        state.withLock { state in
            if state.isFetching { state.isRequestedAgain = true }
            state.schedule.request(at: .now)
        }
        state.wakeAll()
    }

    /// - Returns: whether a fetch is under way or due now.
    func keyIsUnknown() -> Bool {
        let (isComing, isNew) = state.withLock { state in
            if state.isFetching { return (true, false) }
            let isNew = !state.isStopped && state.schedule.keyIsUnknown(at: .now)
            return (isNew || state.schedule.due <= .now, isNew)
        }
        if isNew { state.wakeAll() }
        return isComing
    }

    func stop() {
        state.withLock { $0.isStopped = true }
        state.wakeAll()
    }

    func join(by deadline: Deadline) -> Bool { thread.withLock { $0 }?.join(by: deadline) ?? true }

    /// - Returns: false where the thread is to end.
    private func waitUntilDue() -> Bool {
        state.wait { state in
            if state.isStopped { return .done(false) }
            guard state.schedule.due <= .now else { return .wait(until: state.schedule.due) }
            state.isFetching = true
            return .done(true)
        }
    }

    private func refresh(_ observer: KeyRefreshObserver) {
        let fetched = fetch(within: Self.fetchLimit)
        switch fetched {
        case .success(let fetched):
            let outcome: KeyRefresh.Outcome = take(fetched) ? .changed : .unchanged
            observer.refreshed(KeyRefresh(location: location, outcome: outcome, keys: usableKeys, reason: nil))
        case .failure(let failure):
            failed(failure)
            let outcome: KeyRefresh.Outcome = failure.kind == .unreachable ? .unreachable : .invalid
            observer.refreshed(
                KeyRefresh(location: location, outcome: outcome, keys: usableKeys, reason: failure.description))
        }
        // A request that does not know a key waits until here, so that none misses the end.
        state.withLock { state in
            state.isFetching = false
            if state.isRequestedAgain { state.schedule.request(at: .now) }
            state.isRequestedAgain = false
        }
        observer.ended()
        // No request waits for the disk.
        if case .success(let fetched) = fetched, let reason = stored?.write(fetched.text, location) {
            observer.notStored(location, reason)
        }
    }

    /// Those of the algorithms that are allowed.
    private var usableKeys: PublishedKeys? {
        let (keys, algorithms) = state.withLock { ($0.keys, $0.algorithms) }
        return try? keys?.bounded(by: algorithms)
    }

    private func fetch(within limit: Duration) -> Result<FetchedKeys, KeyFetchFailure> {
        let algorithms = state.withLock { $0.algorithms }
        return Result { () throws(KeyFetchFailure) in
            try KeyFetch(location, within: limit).keys(at: location.address, for: algorithms)
        }
    }

    /// - Returns: whether the set differs from the former one.
    private func take(_ fetched: FetchedKeys) -> Bool {
        // Outside of the lock, which event loops take: a set may be large.
        let hasChanged = keys?.isSame(as: fetched.keys) != true
        state.withLock { state in
            state.keys = fetched.keys
            state.fetchedAt = clock.now
            state.schedule.succeeded(freshFor: fetched.maximumAge, jitter: .random(in: 0...1), at: .now)
        }
        return hasChanged
    }

    private func failed(_ failure: KeyFetchFailure) {
        state.withLock {
            $0.schedule.failed(jitter: .random(in: 0...1), retryAfter: failure.retryAfter, at: .now)
        }
    }
}
