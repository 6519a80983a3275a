import Logging
import Observability
import RequestTraces
import Resilience
import SealedCache
import StreamIssuing
import Tracing

/// Sees one request from its arrival to its answer, and makes log lines, figures and spans of it. Used again for the next request, because
/// objects of their own would cost more than the line that is made of them. For one loop's thread only.
final class RequestObserver: @unchecked Sendable {
    /// The one of the request whose task asks.
    @TaskLocal static var current: RequestObserver?

    let events: RequestEvents
    private let telemetry: Telemetry
    private let tracer: StreamTracer?
    private let isCacheServer: Bool
    /// Nil where the trace is not recorded.
    private(set) var span: StreamSpan?

    /// - Parameter isCacheServer: whether the cache lies on a server, or in this process.
    init(_ telemetry: Telemetry, _ tracer: StreamTracer?, isCacheServer: Bool) {
        self.telemetry = telemetry
        self.tracer = tracer
        self.isCacheServer = isCacheServer
        events = RequestEvents(telemetry)
    }

    var request: AnsweredRequest { events.request }

    /// - Parameter waited: how long ago nginx sent the request on.
    func begin(correlationID: String, continuing parent: TraceParent?, waited: Duration) {
        span = tracer?.root(.getURL, continuing: parent, correlationID: correlationID, begun: waited)
        request.begin(correlationID: correlationID, traceID: (span?.traceID ?? parent?.traceID)?.description)
    }

    /// The last of each request.
    /// - Parameter isOfStreamRoute: asked only where a trace is recorded.
    func end(isOfStreamRoute: @autoclosure () -> Bool) {
        events.answered()
        guard let span else { return }
        request.describe(in: span, isOfStreamRoute: isOfStreamRoute())
        span.end()
        self.span = nil
    }

    private func record<Value>(
        _ name: SpanName, _ kind: SpanRecord.Kind, _ outcome: CallOutcome<Value>, _ describe: (StreamSpan) -> Void = { _ in }
    ) {
        guard let tracer, let span else { return }
        tracer.record(name, kind, below: span, began: outcome.began, ended: outcome.ended) { span in
            describe(span)
            if let failure = outcome.failure { span.fail(failure) }
        }
    }

    private func observe<Value>(_ outcome: CallOutcome<Value>, _ durations: HistogramSeries) {
        #if !WITHOUT_TELEMETRY
            guard outcome.failure?.wasAsked ?? true else { return }
            durations.observe(outcome.duration)
        #endif
    }
}

extension RequestObserver: IssueObserver {
    func asked(_ outcome: CallOutcome<AccessFacts>) {
        observe(outcome, telemetry.dependencies.database)
        record(.databaseAuthorize, .client, outcome) { $0.set(.postgreSQL) }
    }

    func read(_ outcome: CallOutcome<CachedStreamURL?>) {
        observe(outcome, telemetry.dependencies.cache)
        record(.cacheGet, isCacheServer ? .client : .internal, outcome) { span in
            if isCacheServer { span.set(.redis) }
            if case .success(let entry) = outcome.result { span.set(.cacheHit(entry != nil)) } else { span.set(.cacheHit(false)) }
        }
    }

    func verified(_ outcome: CallOutcome<Void>) {
        observe(outcome, telemetry.dependencies.objectStore)
        record(.storageHead, .client, outcome) { span in
            span.set(.head)
            if let failure = outcome.failure { span.set(.status(of: failure)) } else { span.set(.status(200)) }
        }
    }

    func presigned(_ outcome: CallOutcome<PresignedURL>) { record(.storagePresign, .internal, outcome) }

}

// What the cache says itself, beside what `IssueObserver` sees.
extension RequestObserver {
    /// - Returns: what to call with the outcome. A write's may come when this observer has its next request already.
    func cacheObserver(_ operation: CacheOutcome.Operation) -> (CacheOutcome) -> Void {
        switch operation {
        case .read: return { [self] outcome in telemetry.cacheAnswered(outcome, outcome.isOrdinary ? [:] : request.ids) }
        case .write:
            return { [telemetry, tracer, span, isCacheServer, ids = request.ids] outcome in
                telemetry.cacheAnswered(outcome, ids)
                #if !WITHOUT_TELEMETRY
                    if outcome.wasAttempted { telemetry.dependencies.cache.observe(outcome.duration) }
                #endif
                guard let tracer, let span else { return }
                let kind: SpanRecord.Kind = isCacheServer ? .client : .internal
                tracer.record(.cacheSet, kind, below: span, began: outcome.began, ended: outcome.ended) { span in
                    if isCacheServer { span.set(.redis) }
                    if let failure = outcome.failure { span.fail(failure) }
                }
            }
        }
    }
}

extension CacheOutcome {
    /// Whether there is nothing to log.
    fileprivate var isOrdinary: Bool {
        switch result {
        case .hit, .miss, .circuitOpen: true
        case .rejected, .stored, .failed: false
        }
    }
}

extension Telemetry {
    /// - Parameter ids: of the request, where it is one's.
    func cacheAnswered(_ outcome: CacheOutcome, _ ids: Logger.Metadata) {
        switch outcome.result {
        case .hit, .miss, .circuitOpen: return
        case .failed(let error):
            // Misses of the first moments, and of the last, which say nothing about the server.
            guard error.code != "connecting", error.code != "closed" else { return }
            storeFailed(error, ids)
        case .rejected(let failure):
            openFailures.increment(failure.rawValue)
            failures.log(
                .warning, "cache value did not open", kind: "open-\(failure.rawValue)",
                ids.merging(["reason": "\(failure.rawValue)"]) { $1 })
        case .stored(let expiresAt, let keyVersion):
            guard logger.logLevel <= .debug else { return }
            var fields = ids
            (fields["track_id"], fields["expires_at"], fields["key_version"]) = (
                "\(outcome.track)", "\(expiresAt.rfc3339)", "\(keyVersion)"
            )
            logger.debug("entry sealed and stored", metadata: fields)
        }
    }
}
