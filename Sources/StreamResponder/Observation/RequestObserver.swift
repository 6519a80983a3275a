public import Logging
import RequestTraces
public import SealedCache
public import StreamIssuing

/// Sees one request from its arrival to its answer. This one does nothing; `TelemetryObserver` makes log lines, figures and spans.
///
/// Used again for the next request, because objects of their own would cost more than the line that is made of them. For one loop's thread
/// only.
public class RequestObserver: IssueObserver, @unchecked Sendable {
    /// The one of the request whose task asks.
    @TaskLocal public static var current: RequestObserver?

    /// What becomes of the request: the route fills it in.
    public let record: RequestRecord

    public convenience init() { self.init(RequestRecord()) }

    init(_ record: RequestRecord) { self.record = record }

    /// What tells the request from all others.
    public var ids: Logger.Metadata { record.ids }

    /// - Parameters:
    ///   - parent: the caller's span, where it names one.
    ///   - waited: how long ago nginx sent the request on.
    func begin(correlationID: String, continuing parent: TraceParent?, waited: Duration) {
        record.begin(correlationID: correlationID, traceID: nil)
    }

    func acceptedToken() {}
    func refusedToken(_ problem: Problem) {}
    func issued(_ issued: IssuedURL, _ track: ULID) {}
    func failed(_ cause: Unavailable, _ track: ULID) {}

    /// The last of each request.
    /// - Parameter isOfStreamRoute: asked only where a trace is recorded.
    func end(isOfStreamRoute: @autoclosure () -> Bool) {}

    // MARK: Calls to dependencies

    public func asked(_ outcome: CallOutcome<AccessFacts>) {}
    public func read(_ outcome: CallOutcome<CachedStreamURL?>) {}
    public func verified(_ outcome: CallOutcome<Void>) {}
    public func presigned(_ outcome: CallOutcome<PresignedURL>) {}

    /// What the cache says itself, beside what `read` sees.
    /// - Returns: what to call with the outcome. A write's may come when this observer has its next request already.
    public func cacheObserver(_ operation: CacheOutcome.Operation) -> (CacheOutcome) -> Void { { _ in } }
}
