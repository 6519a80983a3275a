import Logging
import Observability
import RequestTraces
import StreamIssuing

/// A request for a URL and its outcome: the source of its audit line and its metrics. Each request in hand of a
/// loop has one. It is reused for a later request, because new objects and dictionaries would cost more than the line
/// that they produce.
public final class RequestRecord: @unchecked Sendable {
    public private(set) var correlationID = ""
    /// Of the request's own or its caller's trace, in 32 hexadecimal digits.
    private(set) var traceID: String?
    /// Nil where no trusted token names the user, and until the database has resolved an identity.
    var userID: ULID?
    /// Nil for a path that is none of the routes'.
    var path: StreamPath?
    /// Nil where the path names none.
    var trackID: ULID?
    /// Nil for 200.
    var problem: Problem?
    var cameFromCache = false
    /// The user whose allowance the request spends: nil until the token is valid and has the role.
    var spender: UserReference?
    /// Refused before any work, because of its token or because its user is over the limit.
    var wasTurnedAway = false
    var duration: Duration = .zero

    /// Forgets the previous request.
    func begin(correlationID: String, traceID: String?) {
        self.correlationID = correlationID
        self.traceID = traceID
        (userID, path, trackID, spender, problem, cameFromCache, wasTurnedAway, duration) = (
            nil, nil, nil, nil, nil, false, false, .zero
        )
    }

    /// The ids that distinguish it from all others.
    var ids: Logger.Metadata {
        var ids: Logger.Metadata = ["correlation_id": "\(correlationID)"]
        if let traceID { ids["trace_id"] = "\(traceID)" }
        return ids
    }

    /// What nginx counts the request by: the user's ULID; for an identity of no user that is known, a digest that only
    /// this process can make. Nil where the request spends nothing.
    var allowanceKey: String? {
        guard let spender else { return nil }
        if let userID { return userID.description }
        // Keyed by the process, so that it does not give away the subject that it stands for.
        var hasher = Hasher()
        hasher.combine(spender)
        return "identity-" + String(UInt(bitPattern: hasher.finalize()), radix: 16)
    }

    var status: Int { problem?.kind.status ?? 200 }

    func describe(in span: StreamSpan) {
        span.set(problem?.kind == .methodNotAllowed ? .otherMethod : .post)
        span.set(.status(status))
        if let path { span.set(path.part == .audio ? .streamRoute : .waveformRoute) }
        span.set(trackID.map { .track($0) })
        guard let problem else { return span.set(.cacheHit(cameFromCache)) }
        if problem.kind.status >= 500 { span.fail(problem) } else { span.set(.error(problem)) }
    }

    func append(to line: inout JSONLine) {
        if let userID { line.append("user_id", userID) }
        if let path, path.part != .audio { line.append("route", path.part.route) }
        if let trackID { line.append("track_id", trackID) }
        line.append("correlation_id", correlationID)
        if let traceID { line.append("trace_id", traceID) }
        line.append("outcome", problem?.kind.slug ?? "issued")
        if let rejection = problem?.rejection { line.append("reason", rejection.rawValue) }
        line.append("status", status)
        line.append("cache_hit", cameFromCache)
        line.append("duration_ms", milliseconds: duration)
    }
}
