import Logging
import Observability
import Resilience
import SealedCache
import StreamIssuing

/// Counts and logs the events of a request, with the request's ids.
struct RequestEvents: Sendable {
    private let request: RequestRecord
    private let telemetry: RequestTelemetry
    private let log: Logger
    /// Adds the request's fields to each line.
    private let audit: Logger

    init(_ telemetry: RequestTelemetry, _ request: RequestRecord) {
        self.request = request
        self.telemetry = telemetry
        log = telemetry.logger
        audit = telemetry.logger.with { [request] line in request.append(to: &line) }
    }

    /// The last call for each request.
    func answered() {
        telemetry.requests.answered(request)
        if let rejection = request.problem?.rejection { telemetry.tokens.rejected(rejection) }
        audit.info("stream url requested")
        if let problem = request.problem { warn(problem) }
    }

    /// Logs what an operator may want to investigate.
    private func warn(_ problem: Problem) {
        switch problem.kind {
        case .forbidden:
            var fields = fields
            if let ownerID = problem.ownerID { fields["owner_id"] = "\(ownerID)" }
            log.warning("access denied", metadata: fields)
        case .trackNotReady:
            var fields = fields
            fields["status"] = "\(problem.blockedTrack?.status.rawValue ?? "")"
            log.warning("track not ready", metadata: fields)
        default: break
        }
    }

    private var fields: Logger.Metadata {
        var fields = request.ids
        if let userID = request.userID { fields["user_id"] = "\(userID)" }
        if let trackID = request.trackID { fields["track_id"] = "\(trackID)" }
        return fields
    }

    /// A URL was issued.
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
        // Only a cache miss calls the object store.
        if cause.dependency == .objectStore, log.logLevel <= .debug {
            log.debug("cache miss", metadata: request.ids.merging(["track_id": "\(track)"]) { $1 })
        }
        var fields = request.ids
        (fields["dependency"], fields["code"]) = ("\(cause.dependency.rawValue)", "\(cause.code)")
        (fields["reason"], fields["track_id"]) = ("\(cause.reason)", "\(track)")
        // Errors that may occur in every request while something is broken; one that is about an object concerns one track.
        let isOfTrack = cause.isAboutOneTrack
        let log = isOfTrack ? telemetry.objectFailures : telemetry.failures
        log.log(
            .error, "dependency failed", kind: "\(isOfTrack ? "\(track)" : cause.dependency.rawValue)-\(cause.code)",
            fields)
    }
}
