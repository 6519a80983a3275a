public import Logging
public import Observability
public import SealedCache
import StreamIssuing

/// The metrics and logs of requests, in one place, so that names are never written twice. Shared by all loops.
public final class RequestTelemetry: Sendable {
    let logger: Logger
    /// For events that a failing dependency would repeat at each request.
    public let failures: RateLimitedLog
    /// For errors of one object: each is reported, as long as they are few.
    public let objectFailures: RateLimitedLog
    let requests: RequestMetrics
    let dependencies: DependencyMetrics
    let tokens: TokenMetrics
    private let openFailures: MetricFamily<CounterSeries>
    private let copyHits: CounterSeries

    public init(_ logger: Logger, _ registry: MetricRegistry) {
        self.logger = logger
        failures = RateLimitedLog(logger)
        objectFailures = RateLimitedLog(logger, maximumKinds: 16)
        requests = RequestMetrics(registry)
        dependencies = DependencyMetrics(registry)
        tokens = TokenMetrics(registry)
        openFailures = registry.counter(
            "novatune_cache_open_failures_total", "Cache values that did not open.", labels: ["reason"],
            known: EntrySealer.OpenFailure.allCases.map { [$0.rawValue] })
        copyHits = registry.counter(
            "novatune_cache_copy_hits_total", "Reads that this process's copy answered instead of the cache server."
        ).series()
    }

    /// - Parameter ids: of the request, if there is one.
    public func cacheAnswered(_ outcome: CacheOutcome, _ ids: Logger.Metadata) {
        switch outcome.result {
        case .hit: if outcome.isFromCopy { copyHits.increment() }
        case .miss, .circuitOpen: return
        case .failed(let error):
            // A miss before the first connection, or after the end, is no failure of the server.
            guard error.code != "connecting", error.code != "closed" else { return }
            cacheFailed(error, ids)
        case .rejected(let failure):
            openFailures.increment(failure.rawValue)
            failures.log(
                .warning, "cache entry rejected", kind: "open-\(failure.rawValue)",
                ids.merging(["reason": "\(failure.rawValue)"]) { $1 })
        case .stored(let expiresAt, let keyVersion):
            guard logger.logLevel <= .debug else { return }
            var fields = ids
            (fields["track_id"], fields["expires_at"], fields["key_version"]) = (
                "\(outcome.track)", "\(expiresAt.rfc3339)", "\(keyVersion)"
            )
            logger.debug("cache entry stored", metadata: fields)
        }
    }

    /// - Parameter ids: of the request that met it, if there is one.
    public func cacheFailed(_ error: ValueStoreError, _ ids: Logger.Metadata = [:]) {
        dependencies.failed(.cache, code: error.code)
        let fields: Logger.Metadata = ["dependency": "cache", "code": "\(error.code)", "reason": "\(error.reason)"]
        failures.log(.warning, "dependency failed", kind: "cache-\(error.code)", ids.merging(fields) { $1 })
    }
}
