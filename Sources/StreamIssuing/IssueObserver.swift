/// Observes each step of a request on its way to a URL.
public protocol IssueObserver: AnyObject {
    func asked(_ outcome: CallOutcome<AccessFacts>)
    func read(_ outcome: CallOutcome<CachedStreamURL?>)
    func verified(_ outcome: CallOutcome<Void>)
    func presigned(_ outcome: CallOutcome<PresignedURL>)
}
