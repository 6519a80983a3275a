import BearerTokens
import Cryptography
import KeyManagement
import Logging
import Observability
import Resilience
import SealedCache
import SigV4
import StreamIssuing

/// What the process counts and logs, in one place, so that names are never written twice.
final class Telemetry: CacheObserver {
    let registry = MetricRegistry()
    private let logger: Logger
    private let clock: any WallClock
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
    private let nearLimit = Locked<Set<KeyRing.Version>>([])
    private let lastReload: Locked<Reload>

    /// How the last attempt to take keys and credentials anew went; at first, how the start did.
    private struct Reload {
        var refusal: String?
        var keyVersion: KeyRing.Version?
        var credentialsExpiration: UnixTime?
        var moment: UnixTime
    }

    init(_ logger: Logger, clock: any WallClock = SystemClock()) {
        self.clock = clock
        lastReload = Locked(Reload(moment: clock.now))
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

    /// Why keys and credentials are not those that the settings name now; nil where they are.
    var reloadRefusal: String? { lastReload.withLock { $0.refusal } }

    func loaded(_ secrets: Secrets) {
        let now = clock.now
        lastReload.withLock { reload in
            reload = Reload(
                keyVersion: secrets.keyRing.current, credentialsExpiration: secrets.storeCredentials.expiration, moment: now)
        }
    }

    func reloaded(_ settings: Settings, _ secrets: Secrets) {
        loaded(secrets)
        logger.notice(
            "reloaded",
            metadata: [
                "key_version": "\(secrets.keyRing.current)", "key_versions": "\(secrets.keyRing.versions.joined(separator: " "))",
                "key_source": "\(settings.keyRingSource.name)", "token_keys": "\(secrets.keySet.keys.count)",
                "log_level": "\(settings.logLevel)",
            ])
    }

    func refusedReload(_ complaints: [String]) {
        let reason = complaints.joined(separator: "; ")
        let now = clock.now
        lastReload.withLock { reload in
            reload.refusal = reason
            reload.moment = now
        }
        logger.error("reload refused", metadata: ["reason": "\(reason)"])
    }

    /// Tells of keys and credentials, and how often the keys have sealed.
    func watch(_ seals: SealCounts) {
        registry.counts("cache_seals_total", "Cache entries sealed by this process.", label: "key_version") {
            Dictionary(grouping: seals.figures, by: \.version).map { ($0, Double($1.reduce(0) { $0 + $1.own })) }
        }
        registry.gauges(
            "cache_key_seals", "Cache entries sealed with the key by all responders that share the cache; at most 4294967296.",
            label: "key_version"
        ) {
            Dictionary(grouping: seals.figures, by: \.version).map { ($0, Double($1.map(\.total).max() ?? 0)) }
        }
        registry.gauges("cache_key_current", "1 for the key version that entries are sealed with.", label: "key_version") { [lastReload] in
            lastReload.withLock { $0.keyVersion }.map { [($0, 1)] } ?? []
        }
        registry.gauge("reload_success", "1 where keys and credentials are those that the settings name, 0 where a reload was refused.") {
            [lastReload] in lastReload.withLock { $0.refusal == nil ? 1 : 0 }
        }
        registry.gauge("reload_timestamp_seconds", "When keys and credentials were read last, since 1970.") { [lastReload] in
            Double(lastReload.withLock { $0.moment.seconds })
        }
        registry.gauges("s3_credentials_expiry_timestamp_seconds", "When the object store's credentials end, where that is known.") {
            [lastReload] in lastReload.withLock { $0.credentialsExpiration }.map { [Double($0.seconds)] } ?? []
        }
    }

    /// Warns once of each key that has sealed so often that it should be replaced.
    func sealed(_ figures: [SealCounts.Figures]) {
        for figure in figures where figure.total >= SealCounts.warningLevel {
            let isNew = nearLimit.withLock { $0.insert(figure.version).inserted }
            guard isNew else { continue }
            logger.warning(
                "key near its limit",
                metadata: [
                    "key_version": "\(figure.version)", "seals": "\(figure.total)", "limit": "\(SealCounts.limit)",
                    "advice": "rotate the key ring",
                ])
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
