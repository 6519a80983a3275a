import CoreMetrics
import Observability
import StreamIssuing

/// The metrics of requests; their instruments are made before they are needed.
struct RequestMetrics: Sendable {
    private let answers: MetricFamily<CounterSeries>
    private let problems: MetricFamily<CounterSeries>
    private let routes: MetricFamily<CounterSeries>
    private let issuedFromCache: CounterSeries
    private let issued: (stream: CounterSeries, waveform: CounterSeries)
    private let duration: Timer
    private let hits, misses, presigned: Counter

    init(_ registry: MetricRegistry) {
        let kinds = Problem.Kind.all + [.clientGone]
        answers = registry.counter(
            "stream_url_requests_total", "Answers to stream URL requests; 499 where the client was gone before.",
            labels: ["status", "code", "cache_hit"],
            // A series that begins with its first error has no rate yet.
            known: [["success", "200", "true"], ["success", "200", "false"]]
                + Set(kinds.map(\.status)).sorted().map { ["error", String($0), "false"] })
        issuedFromCache = answers.series("success", "200", "true")
        problems = registry.counter(
            "novatune_stream_url_problems_total", "Answers other than 200, by the last part of their problem type.",
            labels: ["type"],
            known: kinds.map { [$0.slug] })
        routes = registry.counter(
            "novatune_route_requests_total", "Answers of each route; other metrics count both together.",
            labels: ["route", "code"],
            known: TrackPart.allCases.flatMap { part in
                (["200"] + Set(kinds.map(\.status)).sorted().map(String.init)).map { [part.route, $0] }
            })
        issued = (
            routes.series(TrackPart.audio.route, "200"), routes.series(TrackPart.waveform.route, "200")
        )
        registry.histogram(
            "stream_url_request_duration_ms", "Milliseconds from the request's last byte to the answer's first.",
            bounds: MetricRegistry.defaultBounds)
        registry.counter("stream_url_cache_hits_total", "Answers from the cache.")
        registry.counter("stream_url_cache_misses_total", "Requests with access whose URL was not in the cache.")
        registry.counter("stream_url_presign_generated_total", "Presigned URLs made.")
        duration = Timer(label: "stream_url_request_duration_ms", factory: registry)
        hits = Counter(label: "stream_url_cache_hits_total", factory: registry)
        misses = Counter(label: "stream_url_cache_misses_total", factory: registry)
        presigned = Counter(label: "stream_url_presign_generated_total", factory: registry)
    }

    /// The time to refuse a request is not observed: many quick refusals would hide that other requests wait.
    func answered(_ request: RequestRecord) {
        count(request)
        if let part = request.path?.part { count(part, request) }
        guard !request.wasTurnedAway else { return }
        let (seconds, attoseconds) = request.duration.components
        duration.recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }

    private func count(_ part: TrackPart, _ request: RequestRecord) {
        if request.problem != nil {
            routes.increment(part.route, String(request.status))
        } else {
            (part == .audio ? issued.stream : issued.waveform).increment()
        }
    }

    private func count(_ request: RequestRecord) {
        if let problem = request.problem {
            answers.increment("error", String(problem.kind.status), "false")
            problems.increment(problem.kind.slug)
            // Only a cache miss calls the object store.
            if problem.cause?.dependency == .objectStore { misses.increment() }
        } else if request.cameFromCache {
            issuedFromCache.increment()
            hits.increment()
        } else {
            answers.increment("success", "200", "false")
            misses.increment()
            presigned.increment()
        }
    }
}

/// Bearer tokens of stream requests.
struct TokenMetrics: Sendable {
    private let checks: MetricFamily<CounterSeries>
    private let rejections: MetricFamily<CounterSeries>
    private let accepted: CounterSeries

    init(_ registry: MetricRegistry) {
        checks = registry.counter(
            "novatune_token_checks_total", "Bearer tokens checked.", labels: ["outcome"],
            known: [["accepted"], [Problem.Kind.unauthorized.slug], [Problem.Kind.forbidden.slug]])
        rejections = registry.counter(
            "novatune_token_rejections_total", "Bearer tokens that were not accepted, by the reason.",
            labels: ["reason"], known: TokenRejection.allCases.map { [$0.rawValue] })
        accepted = checks.series("accepted")
    }

    func acceptedToken() { accepted.increment() }

    func refusedToken(_ problem: Problem) { checks.increment(problem.kind.slug) }

    /// Where the check was; that of the session is the database's.
    func rejected(_ reason: TokenRejection) { rejections.increment(reason.rawValue) }
}

/// Calls to dependencies.
struct DependencyMetrics: Sendable {
    private let errors: MetricFamily<CounterSeries>
    let database, objectStore, cache: HistogramSeries

    init(_ registry: MetricRegistry) {
        let names = Unavailable.Dependency.allCases.map(\.rawValue)
        errors = registry.counter(
            "novatune_dependency_errors_total", "Failed calls.", labels: ["dependency", "code"],
            known: names.flatMap { name in ["timeout", "connect", "lost", "breaker_open"].map { [name, $0] } }
                + [
                    "missing_object", "illegal_key", "refused_object", "invalid_object", "missing_bucket",
                    "credentials_expired", "credentials_end_soon", "bulkhead_full", "http_403", "http_500",
                    "http_503",
                ]
                .map { [Unavailable.Dependency.objectStore.rawValue, $0] })
        let durations = registry.histogram(
            "novatune_dependency_call_duration_seconds", "How long calls took, retries included.",
            labels: ["dependency"],
            bounds: MetricRegistry.defaultBounds.map { $0 / 1000 }, known: names.map { [$0] })
        func series(_ dependency: Unavailable.Dependency) -> HistogramSeries { durations.series(dependency.rawValue) }
        (database, objectStore, cache) = (series(.database), series(.objectStore), series(.cache))
    }

    func failed(_ dependency: Unavailable.Dependency, code: String) { errors.increment(dependency.rawValue, code) }
}
