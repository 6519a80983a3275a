import Logging
import Observability
import StreamIssuing

/// A request for a stream URL and what became of it: the audit trail's line, and what is counted. One worker fills it in, and then
/// nobody changes it.
final class AnsweredRequest: LogFields, @unchecked Sendable {
    let correlationID: String
    /// Of the request's own or of its caller's trace, in 32 hexadecimal digits.
    let traceID: String?
    /// Nil where the token said nothing that can be believed.
    var userID: ULID?
    /// Nil where the path names none.
    var trackID: ULID?
    /// Nil for 200.
    var problem: Problem?
    var cameFromCache = false
    var duration: Duration = .zero

    init(correlationID: String, traceID: String?) {
        self.correlationID = correlationID
        self.traceID = traceID
        super.init()
    }

    var status: Int { problem?.kind.status ?? 200 }

    override var description: String { problem?.kind.slug ?? "issued" }

    override func append(to line: inout JSONLine) {
        if let userID { line.append("user_id", userID.description) }
        if let trackID { line.append("track_id", trackID.description) }
        line.append("correlation_id", correlationID)
        if let traceID { line.append("trace_id", traceID) }
        line.append("outcome", description)
        line.append("status", status)
        line.append("cache_hit", cameFromCache)
        line.append("duration_ms", milliseconds: duration)
    }
}

extension Telemetry {
    func answered(_ request: AnsweredRequest) {
        #if WITHOUT_TELEMETRY
            return
        #endif
        requests.answered(request)
        logger.info("stream url requested", metadata: ["request": .stringConvertible(request)])
        if let problem = request.problem { warn(problem, request) }
    }

    /// What an operator may want to look into.
    private func warn(_ problem: Problem, _ request: AnsweredRequest) {
        var fields: Logger.Metadata = ["correlation_id": "\(request.correlationID)"]
        if let userID = request.userID { fields["user_id"] = "\(userID)" }
        if let trackID = request.trackID { fields["track_id"] = "\(trackID)" }
        if let traceID = request.traceID { fields["trace_id"] = "\(traceID)" }
        switch problem.kind {
        case .forbidden:
            if let ownerID = problem.ownerID { fields["owner_id"] = "\(ownerID)" }
            logger.warning("access denied", metadata: fields)
        case .trackNotReady:
            fields["status"] = "\(problem.blockedTrack?.status.rawValue ?? "")"
            logger.warning("track not ready", metadata: fields)
        default: break
        }
    }

    /// What happened on the way to a URL.
    func issued(track: ULID, cameFromCache: Bool, expiresAt: UnixTime) {
        guard logger.logLevel <= .debug else { return }
        let fields: Logger.Metadata = ["track_id": "\(track)", "expires_at": "\(expiresAt.rfc3339)"]
        if cameFromCache {
            logger.debug("cache hit", metadata: fields)
        } else {
            logger.debug("cache miss", metadata: ["track_id": "\(track)"])
            logger.debug("url presigned", metadata: fields)
        }
    }
}
