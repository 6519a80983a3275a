import Logging
import Observability
import PostgreSQLTrackStore
import Resilience
import StoreAuthorization
import StreamIssuing
import StreamResponder

/// Metrics, log lines and readiness of `novatune-streamd authorize`. None of them has anything of a store's question.
final class AuthorizationTelemetry: Sendable {
    let registry = MetricRegistry()
    let logger: Logger
    private let failures: RateLimitedLog
    private let decisions: [StoreAuthorizer.Outcome: CounterSeries]
    private let withoutToken: CounterSeries
    private let duration: MetricFamily<HistogramSeries>
    private let state = Locked(State())

    /// Upper bounds, in seconds.
    private static let bounds = [0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.025, 0.1]

    private struct State {
        /// Nil where the last reading was answered.
        var database: String? = "not asked yet"
        var areRecorded: Bool?
        var isTooLong = false
        var users: RevokedUsers?
        var keys: String?
    }

    init(_ logger: Logger) {
        self.logger = logger
        failures = RateLimitedLog(logger)
        let outcomes = StoreAuthorizer.Outcome.allCases.map(\.rawValue) + ["no_token"]
        let family = registry.counter(
            "novatune_authorization_decisions_total", "Answers to stores, by why they were yes or no.",
            labels: ["outcome"],
            known: outcomes.map { [$0] })
        decisions = Dictionary(
            uniqueKeysWithValues: StoreAuthorizer.Outcome.allCases.map { ($0, family.series($0.rawValue)) })
        withoutToken = family.series("no_token")
        duration = registry.histogram(
            "novatune_authorization_duration_seconds",
            "From a question that has arrived in full to its answer's write.",
            bounds: Self.bounds)
        ProcessMetrics.watch(registry)
    }

    func watch(_ users: RevokedUsers, _ server: WebhookServer) {
        state.withLock { $0.users = users }
        registry.gauge(
            "novatune_authorization_revocations", "Users' sessions and objects that are refused, for each key."
        ) {
            Double(users.count)
        }
        registry.gauge(
            "novatune_authorization_list_age_seconds",
            "Since the list of revocations was read; absent where it never was, or nothing is recorded."
        ) {
            users.age.map { $0 / .seconds(1) }
        }
        registry.gauge("novatune_authorization_connections", "Stores' open connections.") {
            Double(server.openConnections)
        }
        registry.count(
            "novatune_authorization_connections_displaced_total",
            "Connections that were closed at the limit of 2,048 in favour of others."
        ) {
            Double(server.displacedConnections)
        }
        registry.gauges(
            "novatune_authorization_readiness", "1 where the dependency is well, as /readyz reports it.",
            label: "dependency"
        ) { [weak self] in
            (self?.dependencies ?? []).map { ($0.name, $0.failure == nil ? 1 : 0) }
        }
    }

    /// - Parameter outcome: nil where no token was shown.
    func decided(_ outcome: StoreAuthorizer.Outcome?, took: Duration) {
        (outcome.flatMap { decisions[$0] } ?? withoutToken).increment()
        duration.observe(took / .seconds(1))
        guard let outcome else {
            return failures.log(.warning, "authorization without token", kind: "no_token", [:])
        }
        if !outcome.isAllowed, ![.sessionsEnded, .accessEnded, .revokedObject].contains(outcome) {
            failures.log(
                .warning, "authorization refused", kind: outcome.rawValue, ["outcome": "\(outcome.rawValue)"])
        }
    }

    // MARK: State

    func read(_ reading: UserRevocationList.Reading) {
        let (areRecorded, isTooLong) = (reading != .notRecorded, reading == .tooLong)
        let former = state.withLock { state in
            defer { (state.database, state.areRecorded, state.isTooLong) = (nil, areRecorded, isTooLong) }
            return state
        }
        if isTooLong != former.isTooLong {
            if isTooLong {
                logger.error("revocations are too many", metadata: ["advice": "\(Self.lengthAdvice)"])
            } else {
                logger.info("revocations are no longer too many")
            }
        }
        guard former.areRecorded != areRecorded else { return }
        if areRecorded {
            logger.info("users' revocations are recorded")
        } else {
            logger.warning("users' revocations are not recorded", metadata: ["advice": "\(Self.recordingAdvice)"])
        }
    }

    func lostDatabase(_ cause: Unavailable) {
        state.withLock { $0.database = cause.reason }
        failures.log(
            .warning, "revocations not read", kind: cause.code, ["code": "\(cause.code)", "reason": "\(cause.reason)"])
    }

    func keptOutdated(_ cause: Unavailable) {
        failures.log(
            .warning, "outdated revocations not deleted", kind: "delete \(cause.code)",
            ["code": "\(cause.code)", "reason": "\(cause.reason)"])
    }

    /// - Parameter refusal: nil where the ring that the settings name now is in use.
    func keysRead(_ refusal: String?) {
        let former = state.withLock { state in
            defer { state.keys = refusal }
            return state.keys
        }
        if let refusal, refusal != former {
            logger.error("keys refused", metadata: ["reason": "\(refusal)"])
        } else if refusal == nil {
            logger.info("keys read")
        }
    }

    func flushSuppressed() { failures.flushSuppressed() }

    private static let recordingAdvice =
        "triggers record no user's revocation; as novatune_dba: update novatune.settings set record_user_revocations = true"
    private static let lengthAdvice =
        "more than \(RevokedUsers.limit), and no user's URL is allowed; as novatune_dba: delete from novatune.user_revocations the rows whose recorded_at is longer ago than NOVATUNE_PRESIGN_EXPIRY and 15 minutes"
    private static let ageAdvice =
        "not read within NOVATUNE_AUTHORIZE_MAX_AGE, and no user's URL is allowed"
}

extension AuthorizationTelemetry: ReadinessSource {
    var dependencies: [DependencyHealth] {
        let state = state.withLock { $0 }
        return [
            DependencyHealth(name: "database", failure: state.database, isOptional: false),
            DependencyHealth(name: "list", failure: listFailure(state), isOptional: false),
            DependencyHealth(
                name: "recording", failure: state.areRecorded == false ? Self.recordingAdvice : nil, isOptional: false),
        ]
    }

    private func listFailure(_ state: State) -> String? {
        if state.isTooLong { return Self.lengthAdvice }
        guard let users = state.users, users.current == nil else { return nil }
        return Self.ageAdvice
    }

    var reloadRefusal: String? { state.withLock { $0.keys } }
}
