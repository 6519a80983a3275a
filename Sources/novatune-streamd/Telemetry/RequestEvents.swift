import Logging
import Observability
import Resilience
import SealedCache
import StreamIssuing

/// What happens in the requests of one worker, counted and told with the ids of the request that it happens in.
struct RequestEvents: Sendable {
    let request = AnsweredRequest()
    private let telemetry: Telemetry
    private let log: Logger
    /// Each line is the request's. The second is for requests that are turned away, whose number has no bound: it waits for no reader of
    /// the log.
    private let audit, unwaitingAudit: Logger

    init(_ telemetry: Telemetry) {
        self.telemetry = telemetry
        log = telemetry.requestLogger
        audit = telemetry.requestLogger.with { [request] line in request.append(to: &line) }
        unwaitingAudit = telemetry.logger.with { [request] line in request.append(to: &line) }
    }

    /// The last of each request.
    func answered() {
        #if WITHOUT_TELEMETRY
            return
        #endif
        telemetry.requests.answered(request)
        (request.wasTurnedAway ? unwaitingAudit : audit).info("stream url requested")
        if let problem = request.problem { warn(problem, request.wasTurnedAway ? telemetry.logger : log) }
    }

    /// What an operator may want to look into.
    private func warn(_ problem: Problem, _ log: Logger) {
        var fields = request.ids
        if let userID = request.userID { fields["user_id"] = "\(userID)" }
        if let trackID = request.trackID { fields["track_id"] = "\(trackID)" }
        switch problem.kind {
        case .forbidden:
            if let ownerID = problem.ownerID { fields["owner_id"] = "\(ownerID)" }
            log.warning("access denied", metadata: fields)
        case .trackNotReady:
            fields["status"] = "\(problem.blockedTrack?.status.rawValue ?? "")"
            log.warning("track not ready", metadata: fields)
        default: break
        }
    }

    /// What happened on the way to a URL.
    func issued(track: ULID, cameFromCache: Bool, expiresAt: UnixTime) {
        guard log.logLevel <= .debug else { return }
        var fields = request.ids
        fields["track_id"] = "\(track)"
        if !cameFromCache { log.debug("cache miss", metadata: fields) }
        fields["expires_at"] = "\(expiresAt.rfc3339)"
        log.debug(cameFromCache ? "cache hit" : "url presigned", metadata: fields)
    }

    func failed(_ cause: Unavailable, track: ULID) {
        telemetry.dependencies.failed(cause.dependency, code: cause.code)
        // Nothing else asks for the object store.
        if cause.dependency == .objectStore, log.logLevel <= .debug {
            log.debug("cache miss", metadata: request.ids.merging(["track_id": "\(track)"]) { $1 })
        }
        var fields = request.ids
        (fields["dependency"], fields["code"]) = ("\(cause.dependency.rawValue)", "\(cause.code)")
        (fields["reason"], fields["track_id"]) = ("\(cause.reason)", "\(track)")
        // What may happen in every request while something is broken; a missing object is one track's trouble.
        let isOfTrack = cause.code == "missing_object" || cause.code == "illegal_key"
        let log = isOfTrack ? telemetry.objectFailures : telemetry.failures
        log.log(.error, "dependency failed", kind: "\(isOfTrack ? "\(track)" : cause.dependency.rawValue)-\(cause.code)", fields)
    }

    func breakerChanged(_ dependency: Unavailable.Dependency, to state: CircuitBreaker.State) {
        var fields = request.ids
        fields["dependency"] = "\(dependency.rawValue)"
        switch state {
        case .closed: log.notice("breaker closed", metadata: fields)
        case .open: log.warning("breaker opened", metadata: fields)
        case .halfOpen: log.notice("breaker half-open", metadata: fields)
        }
    }

}

extension RequestEvents: CacheObserver {
    func stored(track: ULID, expiresAt: UnixTime, keyVersion: String) {
        guard log.logLevel <= .debug else { return }
        var fields = request.ids
        (fields["track_id"], fields["expires_at"], fields["key_version"]) = ("\(track)", "\(expiresAt.rfc3339)", "\(keyVersion)")
        log.debug("entry sealed and stored", metadata: fields)
    }

    func valueDidNotOpen(_ failure: EntrySealer.OpenFailure) {
        telemetry.openFailures.increment(failure.rawValue)
        telemetry.failures.log(
            .warning, "cache value did not open", kind: "open-\(failure.rawValue)",
            request.ids.merging(["reason": "\(failure.rawValue)"]) { $1 })
    }

    func storeFailed(_ error: ValueStoreError) {
        telemetry.storeFailed(error, request.ids)
    }
}
