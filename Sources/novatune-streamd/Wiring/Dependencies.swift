import FastCGI
import Observability
import PostgreSQLTrackStore
import Resilience
import S3ObjectStore
import SealedCache
import StreamIssuing
import StreamResponder

/// Calls each dependency once, as a request would.
struct DependencyProbe {
    struct Outcome: Sendable, Equatable {
        let name: String
        /// Nil where it answered.
        let failure: String?
        /// Whether requests can do without it.
        let isOptional: Bool
        let elapsed: Duration
    }

    private let trackStore: PostgreSQLTrackStore
    private let objectStore: S3ObjectStore
    private let valueStore: any ValueStore
    /// Only `check` calls it.
    private lazy var listener = resources.makeInvalidationListener()
    private let resources: Resources
    private var generation: Int

    init(_ resources: Resources) {
        self.resources = resources
        let generation = resources.secrets.value
        self.generation = generation.number
        // A probe reports the present state, whatever requests have met before.
        let breaker = SharedBreaker(CircuitBreaker.Policy(failureLimit: .max))
        trackStore = resources.makeTrackStore(breaker: breaker)
        objectStore = resources.makeObjectStore(generation, breaker: breaker)
        valueStore = resources.makeValueStore()
    }

    func database() -> Outcome {
        measure("database", isOptional: false) { () throws(Unavailable) in
            // No user has the lowest ULID; the question alone shows that the role may run the query.
            guard let lowest = ULID("00000000000000000000000000") else { return }
            try trackStore.ask(user: lowest, track: lowest, by: .now.advanced(by: .seconds(10)))
            _ = try trackStore.answer()
        }
    }

    mutating func objects() -> Outcome {
        if !resources.secrets.isCurrent(generation) {
            let current = resources.secrets.value
            generation = current.number
            objectStore.credentials = current.secrets.storeCredentials
        }
        return measure("object_store", isOptional: false) { () throws(Unavailable) in try objectStore.probe() }
    }

    func cache() -> Outcome {
        measure("cache", isOptional: true) { () throws(ValueStoreError) in
            try valueStore.ping()
            try resources.shareSealCounts(through: valueStore)
        }
    }

    mutating func invalidations() -> Outcome {
        let listener = listener
        return measure("invalidations", isOptional: true) { () throws(Unavailable) in
            if case .lost(let cause) = listener.next(by: .now.advanced(by: .seconds(10))) { throw cause }
        }
    }

    private func measure<Failure: Error>(_ name: String, isOptional: Bool, _ call: () throws(Failure) -> Void) -> Outcome {
        let start = ContinuousClock.now
        var failure: String?
        do { try call() } catch { failure = "\(error)" }
        return Outcome(name: name, failure: failure, isOptional: isOptional, elapsed: start.duration(to: .now))
    }
}

/// What `/readyz` says.
struct Readiness: ReadinessSource {
    let monitor: DependencyMonitor
    let telemetry: Telemetry

    var dependencies: [DependencyHealth] {
        monitor.state.map { DependencyHealth(name: $0.name, failure: $0.failure, isOptional: $0.isOptional) }
    }
    var reloadRefusal: String? { telemetry.reloadRefusal }
}

/// Probes the dependencies on threads of its own, so that `/readyz` answers immediately, whatever their state.
final class DependencyMonitor: Sendable {
    private static let interval: Duration = .seconds(1)
    /// After a failure: the breakers wait for the first answer.
    private static let recoveryInterval: Duration = .milliseconds(250)
    /// A probe that takes longer than this counts as failed: its own timeout may be much longer.
    private static let maximumWait: Duration = .milliseconds(1500)

    private let outcomes = Locked<[String: DependencyProbe.Outcome]>([:])
    /// When the probes that are under way began.
    private let begun = Locked<[String: ContinuousClock.Instant]>([:])
    private let names = ["database", "object_store", "cache"]
    private let resources: Resources
    private let stopping = StopSignal()
    private let threads = Locked<[WorkerThread]>([])

    init(_ resources: Resources) {
        self.resources = resources
    }

    /// One thread a dependency: a stalled one must not hide the others.
    func start() {
        let threads = names.map { name in
            WorkerThread(name: "probe-\(name)") { [resources, outcomes, begun, stopping] in
                var probe = DependencyProbe(resources)
                while !stopping.isSent {
                    begun.withLock { $0[name] = .now }
                    let outcome =
                        switch name {
                        case "database": probe.database()
                        case "object_store": probe.objects()
                        default: probe.cache()
                        }
                    let before = outcomes.withLock { outcomes in
                        defer { outcomes[name] = outcome }
                        return outcomes[name]
                    }
                    begun.withLock { $0[name] = nil }
                    if outcome.failure == nil { resources.noticedRecovery(of: name) }
                    // A first failure is reported, a first success is not.
                    if (before?.failure == nil) != (outcome.failure == nil) { resources.telemetry.probed(outcome) }
                    stopping.wait(until: Deadline(after: outcome.failure == nil ? Self.interval : Self.recoveryInterval))
                }
            }
        }
        self.threads.withLock { $0 = threads }
    }

    /// Each thread ends after the probe that is under way.
    func stop() { stopping.send() }

    /// Waits for the threads' end, or for `deadline`, after `stop`.
    /// - Returns: whether they have ended.
    @discardableResult
    func join(by deadline: Deadline) -> Bool {
        threads.withLock { $0 }.map { $0.join(by: deadline) }.allSatisfy { $0 }
    }

    /// In a fixed order; a dependency that has not answered yet counts as failed.
    var state: [DependencyProbe.Outcome] {
        let (outcomes, begun, now) = (outcomes.withLock { $0 }, begun.withLock { $0 }, ContinuousClock.now)
        return names.map { name in
            if let start = begun[name], start.duration(to: now) > Self.maximumWait {
                return .init(
                    name: name, failure: "no answer for \(start.duration(to: now).components.seconds) s", isOptional: name == "cache",
                    elapsed: start.duration(to: now))
            }
            return outcomes[name] ?? .init(name: name, failure: "not asked yet", isOptional: name == "cache", elapsed: .zero)
        }
    }

    var isReady: Bool { state.allSatisfy { $0.failure == nil || $0.isOptional } }

    /// As metrics; `keys` is 1 where none was refused.
    func expose(in telemetry: Telemetry) {
        telemetry.registry.gauges("readiness", "1 for what is well, as /readyz tells it.", label: "dependency") {
            [weak self, weak telemetry] in
            guard let self, let telemetry else { return [] }
            return state.map { ($0.name, $0.failure == nil ? 1 : 0) } + [("keys", telemetry.reloadRefusal == nil ? 1 : 0)]
        }
    }
}
