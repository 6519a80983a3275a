public import Logging
import RequestTraces
public import SealedCache
public import StreamIssuing

/// Observes one request from its arrival to its answer. This one does nothing; `TelemetryObserver` makes log lines,
/// metrics and spans.
///
/// Reused for the next request, because an object for each would cost more than its log line. For one loop's thread
/// only.
public class RequestObserver: IssueObserver, @unchecked Sendable {
    /// The observer of the current task's request.
    @TaskLocal public static var current: RequestObserver?

    /// The outcome of the request: the route fills it in.
    public let record: RequestRecord

    public convenience init() { self.init(RequestRecord()) }

    init(_ record: RequestRecord) { self.record = record }

    /// The ids that distinguish the request from all others.
    public var ids: Logger.Metadata { record.ids }

    /// - Parameters:
    ///   - parent: the caller's span, where it names one.
    ///   - state: the caller's `tracestate`; read only where a trace is recorded.
    ///   - waited: how long ago nginx sent the request on.
    func begin(
        correlationID: String, continuing parent: TraceParent?, state: @autoclosure () -> String?, waited: Duration
    ) {
        record.begin(correlationID: correlationID, traceID: nil)
    }

    func acceptedToken() {}
    func refusedToken(_ problem: Problem) {}
    func issued(_ issued: IssuedURL, _ track: ULID) {}
    func failed(_ cause: Unavailable, _ track: ULID) {}

    /// The last call for each request.
    func end() {}

    // MARK: Calls to dependencies

    /// An override calls this one: the record gets the user that an identity is resolved to.
    public func asked(_ outcome: CallOutcome<AccessFacts>) {
        guard record.userID == nil, case .success(let facts) = outcome.result else { return }
        record.userID = facts.user?.id
    }
    public func read(_ outcome: CallOutcome<CachedStreamURL?>) {}
    public func verified(_ outcome: CallOutcome<Void>) {}
    public func presigned(_ outcome: CallOutcome<PresignedURL>) {}

    /// Receives the cache's own reports, beside what `read` observes.
    /// - Returns: a function to call with the outcome. A write's outcome may arrive when this observer already has its
    ///   next request.
    public func cacheObserver(_ operation: CacheOutcome.Operation) -> (CacheOutcome) -> Void { { _ in } }
}
