import Logging
import Observability
import Resilience
import SealedCache
import StreamIssuing

/// What the process counts and logs, in one place, so that names are never written twice.
final class Telemetry: CacheObserver {
    let registry = MetricRegistry()
    private let logger: Logger
    private let failures: RepeatedEventLog
    private let requests: Counter
    private let duration: Histogram
    private let issuedFromCache: Counter.Series
    private let hits: Counter.Series
    private let misses: Counter.Series
    private let presigned: Counter.Series
    private let tokenChecks: Counter
    private let acceptedTokens: Counter.Series
    private let openFailures: Counter
    private let dependencyErrors: Counter
    private let invalidations: Counter
    private let isListening = Locked(false)

    init(_ logger: Logger) {
        self.logger = logger
        failures = RepeatedEventLog(logger)
        requests = registry.counter(
            "stream_url_requests_total", "Answers to stream URL requests.", labels: ["status", "cache_hit"])
        issuedFromCache = requests.series("200", "true")
        duration = registry.histogram(
            "stream_url_request_duration_ms", "Milliseconds from the request's last byte to the answer's first.",
            bounds: [0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 300, 1000, 2500, 5000, 10_000])
        hits = registry.counter("stream_url_cache_hits_total", "Answers from the cache.").series()
        misses = registry.counter("stream_url_cache_misses_total", "Answers that had to be signed.").series()
        presigned = registry.counter("stream_url_presign_generated_total", "Presigned URLs made.").series()
        tokenChecks = registry.counter("token_checks_total", "Bearer tokens checked at the gate.", labels: ["outcome"])
        acceptedTokens = tokenChecks.series("accepted")
        openFailures = registry.counter("cache_open_failures_total", "Cache values that did not open.", labels: ["reason"])
        dependencyErrors = registry.counter("dependency_errors_total", "Failed calls.", labels: ["dependency", "code"])
        invalidations = registry.counter(
            "stream_cache_invalidations_total", "Invalidations heard from the database.", labels: ["reason"])
        for reason in Invalidation.Reason.allCases { _ = invalidations.series(reason.rawValue) }
        registry.gauge("invalidation_listener_up", "1 while invalidations are heard, else 0.") { [isListening] in
            isListening.withLock { $0 } ? 1 : 0
        }
    }

    /// Tells how full the cache in the process is.
    func watch(_ store: MemoryStore) {
        registry.gauge("cache_entries", "Entries in the cache of this process.") { Double(store.usage.entries) }
        registry.gauge("cache_bytes", "Bytes in the cache of this process.") { Double(store.usage.bytes) }
    }

    func watch(_ breakers: [Unavailable.Dependency: SharedBreaker]) {
        registry.gauges("breaker_state", "Circuit breaker: 0 closed, 1 open, 2 half-open.", label: "dependency") {
            breakers.map { dependency, breaker in
                (dependency.rawValue, Double(CircuitBreaker.State.allCases.firstIndex(of: breaker.state) ?? 0))
            }
        }
    }

    func watch(_ bulkhead: SharedBulkhead) {
        registry.gauge("object_store_calls_waiting", "Calls that wait for the object store now; at most half of the workers make one.") {
            Double(bulkhead.occupied)
        }
    }

    func breakerChanged(_ dependency: Unavailable.Dependency, to state: CircuitBreaker.State) {
        logger.log(
            level: state == .open ? .warning : .notice, "breaker \(state.rawValue)", metadata: ["dependency": "\(dependency.rawValue)"])
    }

    func listening() {
        isListening.withLock { $0 = true }
        logger.info("listening for invalidations")
    }

    func stoppedListening(_ cause: Unavailable) {
        isListening.withLock { $0 = false }
        failures.log(
            .warning, "invalidations are not heard", kind: "listener-\(cause.code)", ["code": "\(cause.code)", "reason": "\(cause.reason)"])
    }

    func heard(_ invalidation: Invalidation, removed: Int) {
        invalidations.increment(invalidation.reason.rawValue)
        logger.debug(
            "cache invalidated",
            metadata: [
                "user_id": "\(invalidation.scope.user?.description ?? "all")",
                "track_id": "\(invalidation.scope.track?.description ?? "all")",
                "reason": "\(invalidation.reason.rawValue)", "removed": "\(removed)",
            ])
    }

    func didNotUnderstandInvalidation() {
        failures.log(.warning, "invalidation not understood", kind: "invalidation", ["reason": "somebody else uses the channel"])
    }

    func answered(status: Int, cameFromCache: Bool, after elapsed: Duration) {
        let (seconds, attoseconds) = elapsed.components
        duration.observe(Double(seconds) * 1000 + Double(attoseconds) / 1e15)
        if cameFromCache {
            issuedFromCache.increment()
            hits.increment()
            return
        }
        requests.increment(String(status), "false")
        guard status == 200 else { return }
        misses.increment()
        presigned.increment()
    }

    func acceptedToken() {
        acceptedTokens.increment()
    }

    func refusedToken(_ problem: Problem) {
        tokenChecks.increment(problem.kind.slug)
    }

    func valueDidNotOpen(_ failure: EntrySealer.OpenFailure) {
        openFailures.increment(failure.rawValue)
        failures.log(.warning, "cache value did not open", kind: "open-\(failure.rawValue)", ["reason": "\(failure.rawValue)"])
    }

    func storeFailed(_ error: ValueStoreError) {
        dependencyErrors.increment("cache", error.code)
        failures.log(
            .warning, "dependency failed", kind: "cache-\(error.code)",
            [
                "dependency": "cache", "code": "\(error.code)", "reason": "\(error.reason)",
            ])
    }

    func failed(_ cause: Unavailable, track: ULID, correlationID: String) {
        dependencyErrors.increment(cause.dependency.rawValue, cause.code)
        // A missing object is one track's trouble: each track is told of.
        let kind =
            cause.code == "missing_object" || cause.code == "illegal_key" ? "\(cause.code)-\(track)" : "\(cause.dependency)-\(cause.code)"
        failures.log(
            .error, "dependency failed", kind: kind,
            [
                "dependency": "\(cause.dependency.rawValue)", "code": "\(cause.code)", "reason": "\(cause.reason)", "track_id": "\(track)",
                "correlation_id": "\(correlationID)",
            ])
    }
}
