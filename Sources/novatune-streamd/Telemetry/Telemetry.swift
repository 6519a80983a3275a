import CoreMetrics
import Logging
import Observability
import Resilience
import SealedCache
import StreamIssuing
import StreamResponder

/// The metrics and logs of the process, in one place, so that names are never written twice.
final class Telemetry: Sendable {
    let registry = MetricRegistry()
    let logger: Logger
    let clock: any WallClock
    let requests: RequestTelemetry
    let lastReload: Locked<Reload>
    let isListening = Locked(false)
    let lastReceived: Locked<UnixTime>
    /// Key versions that have had a warning.
    let nearLimit = Locked<Set<String>>([])
    let invalidations: MetricFamily<CounterSeries>
    private let slowTurns: CounterSeries

    /// For events that would be logged many times a second while something is broken.
    var failures: RateLimitedLog { requests.failures }

    init(_ logger: Logger, clock: any WallClock = SystemClock()) {
        self.logger = logger
        self.clock = clock
        lastReload = Locked(Reload(moment: clock.now))
        lastReceived = Locked(clock.now)
        requests = RequestTelemetry(logger, registry)
        invalidations = registry.counter(
            "stream_cache_invalidations_total", "Invalidations heard from the database.", labels: ["reason"],
            known: Invalidation.Reason.allCases.map { [$0.rawValue] })
        slowTurns = registry.counter("event_loop_slow_turns_total", "Turns of an event loop that took longer than 50 ms.").series()
        watchListener()
        watchProcess()
    }

    // MARK: Reloads

    /// The result of the last reload of keys and credentials; at first, that of the start.
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

    /// Logs the ids of the request whose call it was.
    func breakerChanged(_ dependency: Unavailable.Dependency, to state: CircuitBreaker.State) {
        var fields = RequestObserver.current?.ids ?? [:]
        fields["dependency"] = "\(dependency.rawValue)"
        switch state {
        case .closed: logger.notice("breaker closed", metadata: fields)
        case .open: logger.warning("breaker opened", metadata: fields)
        case .halfOpen: logger.notice("breaker half-open", metadata: fields)
        }
    }

    /// Exposes how full the in-process cache is.
    func watch(_ store: MemoryStore) {
        registry.gauge("cache_entries", "Entries in the cache of this process.") { Double(store.usage.entries) }
        registry.gauge("cache_bytes", "Bytes in the cache of this process.") { Double(store.usage.bytes) }
    }

    /// A turn of an event loop in which something blocked, or which had too much to do.
    func slowTurn(_ duration: Duration, loop: Int) {
        slowTurns.increment()
        failures.log(
            .warning, "event loop turn too long", kind: "turn",
            ["loop": "\(loop)", "milliseconds": "\(duration / .milliseconds(1))"])
    }

    /// Logs the result of a probe that differs from the one before.
    func probed(_ outcome: DependencyProbe.Outcome) {
        if let failure = outcome.failure {
            logger.warning("dependency lost", metadata: ["dependency": "\(outcome.name)", "reason": "\(failure)"])
        } else {
            logger.notice("dependency back", metadata: ["dependency": "\(outcome.name)"])
        }
    }
}
