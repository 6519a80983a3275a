import Logging
import Observability
import PostgreSQLTrackStore
import Resilience
import S3ObjectStore
import StreamIssuing
import StreamResponder

/// Metrics, log lines and readiness of `novatune-streamd revoke`. None of them has an object's key.
final class RevocationTelemetry: Sendable {
    let registry = MetricRegistry()
    let logger: Logger
    private let failures: RateLimitedLog
    private let objects: MetricFamily<CounterSeries>
    private let refusals: MetricFamily<CounterSeries>
    private let duration: MetricFamily<HistogramSeries>
    private let state = Locked(State())

    /// Upper bounds, in seconds.
    private static let bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600]

    private static let knownFailures =
        ["connect", "timeout", "lost"].flatMap { [["database", $0], ["object_store", $0]] }
        + ["access_denied", "too_many_tags"].map { ["object_store", $0] }

    private struct State {
        /// Nil where the last question was answered.
        var database: String? = "not asked yet"
        var store: String? = "not asked yet"
        /// Which permission the last object was refused for; nil from the next one on that was not.
        var refusal: String?
        var credentials: String?
        var figures: (value: RevocationFigures, readAt: ContinuousClock.Instant)?
    }

    init(_ logger: Logger) {
        self.logger = logger
        failures = RateLimitedLog(logger)
        objects = registry.counter(
            "novatune_revocation_objects_total",
            "Objects that are done: revoked, restored, unchanged because the tag was right, gone from the store.",
            labels: ["outcome"], known: ObjectTagger.Outcome.allCases.map { [$0.rawValue] })
        refusals = registry.counter(
            "novatune_revocation_failures_total", "Tries that failed, by what did not answer or refused.",
            labels: ["dependency", "code"], known: Self.knownFailures)
        duration = registry.histogram(
            "novatune_revocation_duration_seconds",
            "From the change of a track to the moment when its object is refused, or known to be gone.",
            bounds: Self.bounds)
        watch()
        ProcessMetrics.watch(registry)
    }

    private func watch() {
        registry.gauge(
            "novatune_revocation_waiting",
            "Rows that wait, of \(RevocationFigures.countLimit) that are counted at most."
        ) { [state] in
            state.withLock { $0.figures.map { Double($0.value.waiting) } }
        }
        registry.gauges(
            "novatune_revocation_lag_seconds",
            "Since the oldest change that waits; 0 where none does, absent where the database does not answer.",
            label: "action"
        ) { [state] in
            state.withLock { state in
                guard let (figures, readAt) = state.figures else { return [] }
                let passed = readAt.duration(to: .now)
                return [("revoke", figures.oldestRevocation), ("restore", figures.oldestRestoration)].map {
                    ($0.0, $0.1.map { ($0 + passed) / .seconds(1) } ?? 0)
                }
            }
        }
        registry.gauges(
            "novatune_revocation_readiness", "1 where the dependency is well, as /readyz reports it.",
            label: "dependency"
        ) { [weak self] in
            (self?.dependencies ?? []).map { ($0.name, $0.failure == nil ? 1 : 0) }
        }
    }

    // MARK: Work

    func done(_ outcome: ObjectTagger.Outcome, _ claim: RevocationQueue.Claim, took: Duration) {
        objects.increment(outcome.rawValue)
        let age = claim.age + took
        if claim.mustBeRevoked { duration.observe(age / .seconds(1)) }
        state.withLock { ($0.refusal, $0.store) = (nil, nil) }
        logger.debug(
            "object tag changed",
            metadata: ["outcome": "\(outcome.rawValue)", "milliseconds": "\(Int64(age / .milliseconds(1)))"])
    }

    /// The store refuses one object.
    func refused(_ cause: Unavailable, attempts: Int) {
        if cause.code == "access_denied" { state.withLock { $0.refusal = cause.reason } }
        failed(cause, "object tag refused", ["attempts": "\(attempts)"])
    }

    /// The store, or the database, does not answer.
    func failed(_ cause: Unavailable) {
        note(cause.dependency, cause.reason)
        failed(cause, "revocation failed", ["dependency": "\(cause.dependency.rawValue)"])
    }

    private func failed(_ cause: Unavailable, _ event: Logger.Message, _ fields: Logger.Metadata) {
        refusals.increment(cause.dependency.rawValue, cause.code)
        failures.log(
            .warning, event, kind: "\(event)-\(cause.dependency.rawValue)-\(cause.code)",
            fields.merging(["code": "\(cause.code)", "reason": "\(cause.reason)"]) { $1 })
    }

    // MARK: State

    func read(_ figures: RevocationFigures) {
        let wereRecorded = state.withLock { state in
            defer { state.figures = (figures, .now) }
            state.database = nil
            if figures.waiting == 0 { state.refusal = nil }
            return state.figures?.value.areRecorded
        }
        guard wereRecorded != figures.areRecorded else { return }
        if figures.areRecorded {
            logger.info("revocations are recorded")
        } else {
            logger.warning("revocations are not recorded", metadata: ["advice": "\(Self.recordingAdvice)"])
        }
    }

    func lostDatabase(_ cause: Unavailable) {
        state.withLock { $0.figures = nil }
        failed(cause)
    }

    func probed(_ failure: Unavailable?) {
        if let failure { return failed(failure) }
        note(.objectStore, nil)
    }

    private func note(_ dependency: Unavailable.Dependency, _ failure: String?) {
        state.withLock { state in
            if dependency == .database { state.database = failure } else { state.store = failure }
        }
    }

    /// - Parameter refusal: nil where the credentials that the settings name now are in use.
    func credentialsRead(_ refusal: String?) {
        let former = state.withLock { state in
            defer { state.credentials = refusal }
            return state.credentials
        }
        if let refusal, refusal != former {
            logger.error("credentials refused", metadata: ["reason": "\(refusal)"])
        } else if refusal == nil {
            logger.info("credentials read")
        }
    }

    func flushSuppressed() { failures.flushSuppressed() }

    private static let recordingAdvice =
        "triggers record no revocation; as novatune_dba: update novatune.settings set record_revocations = true"
}

extension RevocationTelemetry: ReadinessSource {
    var dependencies: [DependencyHealth] {
        let state = state.withLock { $0 }
        let isRecording = state.figures.map { $0.value.areRecorded } ?? true
        return [
            DependencyHealth(name: "database", failure: state.database, isOptional: false),
            DependencyHealth(name: "object_store", failure: state.store ?? state.refusal, isOptional: false),
            DependencyHealth(name: "recording", failure: isRecording ? nil : Self.recordingAdvice, isOptional: false),
        ]
    }
    var reloadRefusal: String? { state.withLock { $0.credentials } }
    var secretsName: String { "credentials" }
}
