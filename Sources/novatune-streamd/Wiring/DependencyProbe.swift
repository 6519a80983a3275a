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
        /// This machine's clock against the dependency's; nil where it was not seen.
        var clockOffset: ClockOffset?
        /// Of the database: how far a standby is behind its primary; nil for a primary, or where it is not known.
        var replicaLag: Duration?
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
        var outcome = measure("database", isOptional: false) { () throws(Unavailable) in
            // No user has the lowest ULID; the question alone shows that the role may run the query.
            guard let lowest = ULID("00000000000000000000000000") else { return }
            try trackStore.ask(user: .id(lowest), track: lowest, by: .now.advanced(by: .seconds(10)))
            _ = try trackStore.answer()
        }
        outcome.replicaLag = trackStore.replicaLag()
        return outcome
    }

    /// After `database()`: how its schema differs from this version's.
    func schemaDifference() -> SchemaDifference? { trackStore.schemaDifference() }

    mutating func objects() -> Outcome {
        if !resources.secrets.isCurrent(generation) {
            let current = resources.secrets.value
            generation = current.number
            objectStore.credentials = current.secrets.storeCredentials
        }
        var outcome = measure("object_store", isOptional: false) { () throws(Unavailable) in try objectStore.probe() }
        outcome.clockOffset = objectStore.clockOffset
        return outcome
    }

    func cache() -> Outcome {
        measure("cache", isOptional: true) { () throws(ValueStoreError) in
            try resources.probeCache(valueStore)
        }
    }

    mutating func invalidations() -> Outcome {
        let listener = listener
        return measure("invalidations", isOptional: true) { () throws(Unavailable) in
            let deadline = ContinuousClock.now.advanced(by: .seconds(150))
            while let event = listener.next(by: deadline) {
                switch event {
                case .receiving: return
                case .lost(let cause), .notReceiving(let cause): throw cause
                case .listening, .answered, .received, .malformed: continue
                }
            }
            throw Unavailable(.database, code: "timeout", reason: "no answer in time")
        }
    }

    private func measure<Failure: Error>(_ name: String, isOptional: Bool, _ call: () throws(Failure) -> Void)
        -> Outcome
    {
        let start = ContinuousClock.now
        var failure: String?
        do { try call() } catch { failure = "\(error)" }
        return Outcome(name: name, failure: failure, isOptional: isOptional, elapsed: start.duration(to: .now))
    }
}
