import CoreMetrics
import Logging
import Observability
import Resilience
import SealedCache
import StreamIssuing

/// What the process counts and logs, in one place, so that names are never written twice.
final class Telemetry: Sendable {
    let registry = MetricRegistry()
    /// Never waits for the log's reader: an event loop must not, nor the threads that probe, listen, reload and tell the service manager.
    let logger: Logger
    let clock: any WallClock
    /// For what a failing dependency would say at each request.
    let failures: RepeatedEventLog
    /// For what is wrong with one object: each is told of, as long as they are few.
    let objectFailures: RepeatedEventLog
    let lastReload: Locked<Reload>
    let isListening = Locked(false)
    let lastHeard: Locked<UnixTime>
    /// Key versions that a warning was given for.
    let nearLimit = Locked<Set<String>>([])
    let requests: RequestMetrics
    let dependencies: DependencyMetrics
    let tokens: TokenMetrics
    let openFailures: MetricFamily<CounterSeries>
    let invalidations: MetricFamily<CounterSeries>
    private let slowTurns: CounterSeries

    init(_ logger: Logger, clock: any WallClock = SystemClock()) {
        let logger = logger.neverWaiting
        self.logger = logger
        self.clock = clock
        failures = RepeatedEventLog(logger)
        objectFailures = RepeatedEventLog(logger, maximumKinds: 16)
        lastReload = Locked(Reload(moment: clock.now))
        lastHeard = Locked(clock.now)
        requests = RequestMetrics(registry)
        dependencies = DependencyMetrics(registry)
        tokens = TokenMetrics(registry)
        openFailures = registry.counter(
            "cache_open_failures_total", "Cache values that did not open.", labels: ["reason"],
            known: EntrySealer.OpenFailure.allCases.map { [$0.rawValue] })
        invalidations = registry.counter(
            "stream_cache_invalidations_total", "Invalidations heard from the database.", labels: ["reason"],
            known: Invalidation.Reason.allCases.map { [$0.rawValue] })
        slowTurns = registry.counter("event_loop_slow_turns_total", "Turns of an event loop that took longer than 50 ms.").series()
        watchListener()
        watchProcess()
    }

    // MARK: Reloads

    /// How the last attempt to take keys and credentials anew went; at first, how the start did.
    struct Reload: Sendable {
        var refusal: String?
        var keyVersion: String?
        var credentialsExpiration: UnixTime?
        var moment: UnixTime
    }

    // MARK: Dependencies

    func watch(_ breakers: [Unavailable.Dependency: SharedBreaker]) {
        registry.gauges("breaker_state", "Circuit breaker: 0 closed, 1 open, 2 half-open.", label: "dependency") {
            breakers.map { dependency, breaker in
                (dependency.rawValue, Double(CircuitBreaker.State.allCases.firstIndex(of: breaker.state) ?? 0))
            }
        }
    }

    /// With the ids of the request whose call it was.
    func breakerChanged(_ dependency: Unavailable.Dependency, to state: CircuitBreaker.State) {
        var fields = RequestObserver.current?.request.ids ?? [:]
        fields["dependency"] = "\(dependency.rawValue)"
        switch state {
        case .closed: logger.notice("breaker closed", metadata: fields)
        case .open: logger.warning("breaker opened", metadata: fields)
        case .halfOpen: logger.notice("breaker half-open", metadata: fields)
        }
    }

    /// Tells how full the cache in the process is.
    func watch(_ store: MemoryStore) {
        registry.gauge("cache_entries", "Entries in the cache of this process.") { Double(store.usage.entries) }
        registry.gauge("cache_bytes", "Bytes in the cache of this process.") { Double(store.usage.bytes) }
    }

    /// A turn of an event loop in which something blocked, or there was too much to do.
    func slowTurn(_ duration: Duration, loop: Int) {
        slowTurns.increment()
        failures.log(
            .warning, "event loop turn too long", kind: "turn",
            ["loop": "\(loop)", "milliseconds": "\(duration / .milliseconds(1))"])
    }

    /// What the probes found, where it differs from what they found before.
    func probed(_ outcome: DependencyProbe.Outcome) {
        if let failure = outcome.failure {
            logger.warning("dependency lost", metadata: ["dependency": "\(outcome.name)", "reason": "\(failure)"])
        } else {
            logger.notice("dependency back", metadata: ["dependency": "\(outcome.name)"])
        }
    }

    /// - Parameter ids: of the request that met it, if there is one.
    func storeFailed(_ error: ValueStoreError, _ ids: Logger.Metadata = [:]) {
        dependencies.failed(.cache, code: error.code)
        let fields: Logger.Metadata = ["dependency": "cache", "code": "\(error.code)", "reason": "\(error.reason)"]
        failures.log(.warning, "dependency failed", kind: "cache-\(error.code)", ids.merging(fields) { $1 })
    }
}
