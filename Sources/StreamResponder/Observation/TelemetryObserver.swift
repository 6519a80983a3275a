import Logging
import Observability
public import RequestTraces
public import SealedCache
public import StreamIssuing
import Tracing

/// Makes the log lines, metrics and spans of a request.
public final class TelemetryObserver: RequestObserver, @unchecked Sendable {
    private let telemetry: RequestTelemetry
    private let events: RequestEvents
    private let tracer: StreamTracer?
    private let isCacheServer: Bool
    private let servers: SpanServers
    /// Nil where the trace is not recorded.
    private var span: StreamSpan?
    /// Whether the cache server was not asked, because this process had a copy.
    private var isReadFromCopy = false

    /// - Parameters:
    ///   - tracer: nil where no traces are collected.
    ///   - isCacheServer: whether the cache is on a server, or in this process.
    ///   - servers: named in spans.
    public init(_ telemetry: RequestTelemetry, _ tracer: StreamTracer?, isCacheServer: Bool, servers: SpanServers) {
        self.telemetry = telemetry
        self.tracer = tracer
        self.isCacheServer = isCacheServer
        self.servers = servers
        let record = RequestRecord()
        events = RequestEvents(telemetry, record)
        super.init(record)
    }

    override func begin(
        correlationID: String, continuing parent: TraceParent?, state: @autoclosure () -> String?, waited: Duration
    ) {
        span = tracer?.root(
            .getURL, continuing: parent, state: state(), correlationID: correlationID, begun: waited)
        record.begin(correlationID: correlationID, traceID: (span?.traceID ?? parent?.traceID)?.description)
    }

    override func acceptedToken() { telemetry.tokens.acceptedToken() }
    override func refusedToken(_ problem: Problem) { telemetry.tokens.refusedToken(problem) }

    override func issued(_ issued: IssuedURL, _ track: ULID) {
        events.issued(track: track, cameFromCache: issued.cameFromCache, expiresAt: issued.streamURL.expiresAt)
    }

    override func failed(_ cause: Unavailable, _ track: ULID) { events.failed(cause, track: track) }

    override func end() {
        events.answered()
        guard let span else { return }
        record.describe(in: span)
        span.end()
        self.span = nil
    }

    // MARK: Calls to dependencies

    public override func asked(_ outcome: CallOutcome<AccessFacts>) {
        super.asked(outcome)
        observe(outcome, telemetry.dependencies.database)
        record(.databaseAuthorize, .client, outcome) { $0.setDatabase(servers) }
    }

    public override func read(_ outcome: CallOutcome<CachedStreamURL?>) {
        let asksServer = isCacheServer && !isReadFromCopy
        if !isReadFromCopy { observe(outcome, telemetry.dependencies.cache) }
        record(.cacheGet, asksServer ? .client : .internal, outcome) { span in
            if asksServer { span.setCache(servers, .get) }
            if case .success(let entry) = outcome.result {
                span.set(.cacheHit(entry != nil))
            } else {
                span.set(.cacheHit(false))
            }
        }
    }

    public override func verified(_ outcome: CallOutcome<Void>) {
        observe(outcome, telemetry.dependencies.objectStore)
        record(.storageHead, .client, outcome) { span in
            span.set(.head)
            span.setObjectStore(servers)
            if let failure = outcome.failure { span.set(.status(of: failure)) } else { span.set(.status(200)) }
        }
    }

    public override func presigned(_ outcome: CallOutcome<PresignedURL>) { record(.storagePresign, .internal, outcome) }

    public override func cacheObserver(_ operation: CacheOutcome.Operation) -> (CacheOutcome) -> Void {
        switch operation {
        case .read:
            return { [self] outcome in
                isReadFromCopy = outcome.isFromCopy
                telemetry.cacheAnswered(outcome, outcome.isOrdinary ? [:] : ids)
            }
        case .write:
            return { [telemetry, tracer, span, servers, isCacheServer, ids] outcome in
                telemetry.cacheAnswered(outcome, ids)
                if outcome.wasAttempted { telemetry.dependencies.cache.observe(outcome.duration) }
                guard let tracer, let span else { return }
                let kind: SpanRecord.Kind = isCacheServer ? .client : .internal
                tracer.record(.cacheSet, kind, below: span, began: outcome.began, ended: outcome.ended) { span in
                    if isCacheServer { span.setCache(servers, .pipeline) }
                    if let failure = outcome.failure { span.fail(failure) }
                }
            }
        }
    }

    private func record<Value>(
        _ name: SpanName, _ kind: SpanRecord.Kind, _ outcome: CallOutcome<Value>,
        _ describe: (StreamSpan) -> Void = { _ in }
    ) {
        guard let tracer, let span else { return }
        tracer.record(name, kind, below: span, began: outcome.began, ended: outcome.ended) { span in
            describe(span)
            if let failure = outcome.failure { span.fail(failure) }
        }
    }

    private func observe<Value>(_ outcome: CallOutcome<Value>, _ durations: HistogramSeries) {
        guard outcome.failure?.wasAttempted ?? true else { return }
        durations.observe(outcome.duration)
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
