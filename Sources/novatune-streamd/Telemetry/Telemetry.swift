import CoreMetrics
import Logging
import Observability
import PostgreSQLTrackStore
import ProviderKeys
import Resilience
import S3ObjectStore
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
    /// Why no invalidation arrives; nil where they do.
    let subscriberState = Locked<String?>("not connected yet")
    let lastReceived: Locked<UnixTime>
    /// Key versions that have had a warning.
    let nearLimit = Locked<Set<String>>([])
    /// The end of the store credentials that have had a warning.
    let warnedExpiration = Locked<UnixTime?>(nil)
    let invalidations: MetricFamily<CounterSeries>
    /// Of the key sets of providers.
    let keyFetches: MetricFamily<CounterSeries>
    private let slowTurns: CounterSeries

    /// For events that would be logged many times a second while something is broken.
    var failures: RateLimitedLog { requests.failures }

    /// Logs how many events of each kind were not logged since the last call.
    func flushSuppressed() {
        requests.failures.flushSuppressed()
        requests.objectFailures.flushSuppressed()
    }

    init(_ logger: Logger, clock: any WallClock = SystemClock()) {
        self.logger = logger
        self.clock = clock
        lastReload = Locked(Reload(moment: clock.now))
        lastReceived = Locked(clock.now)
        requests = RequestTelemetry(logger, registry)
        invalidations = registry.counter(
            "stream_cache_invalidations_total", "Invalidations received from the database.", labels: ["reason"],
            known: Invalidation.Reason.allCases.map { [$0.rawValue] })
        keyFetches = registry.counter(
            "novatune_token_key_fetches_total",
            "Fetches of a provider's keys: changed and unchanged ones, providers that did not answer, answers without a "
                + "usable key.", labels: ["provider", "outcome"])
        slowTurns = registry.counter(
            "novatune_event_loop_slow_turns_total", "Turns of an event loop that took longer than 50 ms."
        ).series()
        watchListener()
        ProcessMetrics.watch(registry)
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
        registry.gauges(
            "novatune_breaker_state", "Circuit breaker: 0 closed, 1 open, 2 half-open.", label: "dependency"
        ) {
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
        registry.gauge("novatune_cache_entries", "Entries in the cache of this process.") {
            Double(store.usage.entries)
        }
        registry.gauge("novatune_cache_bytes", "Bytes in the cache of this process.") { Double(store.usage.bytes) }
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
            logger.warning("dependency unhealthy", metadata: ["dependency": "\(outcome.name)", "reason": "\(failure)"])
        } else {
            logger.notice("dependency recovered", metadata: ["dependency": "\(outcome.name)"])
        }
    }

    /// Logs that the database's schema is another version's.
    func schemaDiffers(_ difference: SchemaDifference) {
        let advice: Logger.MetadataValue = "\(difference.description)"
        switch difference {
        case .older:
            logger.warning(
                "schema older than wanted", metadata: ["wanted": "\(SchemaDifference.wanted)", "advice": advice])
        case .newer(let changes):
            logger.notice(
                "schema newer than known",
                metadata: [
                    "known": "\(SchemaDifference.known)", "changes": "\(changes.joined(separator: " "))",
                    "advice": advice,
                ])
        }
    }

    /// Logs that this machine's clock differs from a dependency's, and the end of it.
    func clockChanged(of dependency: String, _ change: ClockWarning.Change) {
        switch change {
        case .differs(let offset):
            logger.warning(
                "clock differs",
                metadata: [
                    "dependency": "\(dependency)", "offset_seconds": "\(offset.seconds)",
                    "reason": "this machine's clock is \(offset.description); synchronise it (NTP)",
                ])
        case .agrees: logger.notice("clock agrees", metadata: ["dependency": "\(dependency)"])
        }
    }
}
