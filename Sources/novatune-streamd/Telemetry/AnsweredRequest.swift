import Logging
import Observability
import StreamIssuing

/// A request for a stream URL and what became of it: the audit trail's line, and what is counted. Each worker has one, which it alone
/// touches, and fills it in anew for each request, because objects and dictionaries of their own would cost more than the line that is
/// made of them.
final class AnsweredRequest: @unchecked Sendable {
    private(set) var correlationID = ""
    /// Of the request's own or of its caller's trace, in 32 hexadecimal digits.
    private(set) var traceID: String?
    /// Nil where the token said nothing that can be believed.
    var userID: ULID?
    /// Nil where the path names none.
    var trackID: ULID?
    /// Nil for 200.
    var problem: Problem?
    var cameFromCache = false
    var duration: Duration = .zero

    /// Forgets the one before.
    func begin(correlationID: String, traceID: String?) {
        self.correlationID = correlationID
        self.traceID = traceID
        (userID, trackID, problem, cameFromCache, duration) = (nil, nil, nil, false, .zero)
    }

    var status: Int { problem?.kind.status ?? 200 }

    func append(to line: inout JSONLine) {
        if let userID { line.append("user_id", userID) }
        if let trackID { line.append("track_id", trackID) }
        line.append("correlation_id", correlationID)
        if let traceID { line.append("trace_id", traceID) }
        line.append("outcome", problem?.kind.slug ?? "issued")
        line.append("status", status)
        line.append("cache_hit", cameFromCache)
        line.append("duration_ms", milliseconds: duration)
    }
}

extension Telemetry {
    /// - Parameter log: whose lines tell of the request.
    func answered(_ request: AnsweredRequest, _ log: Logger) {
        #if WITHOUT_TELEMETRY
            return
        #endif
        requests.answered(request)
        log.info("stream url requested")
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
