import HTTPClient
public import Resilience
public import SigV4
public import StreamIssuing

/// The audio in an S3 bucket: verified through the internal endpoint, presigned for the public one.
///
/// Holds an HTTP connection and signing contexts: not thread-safe.
public final class S3ObjectStore {
    private let settings: S3Settings
    private let client = HTTPClient()
    private let urls: ObjectURLs
    private let breaker: SharedBreaker

    /// - Parameters:
    ///   - breaker: shared by all stores of this bucket. An object's look-up counts once, retry included; an answer that is about the
    ///     object or the credentials (4xx) shows that the store is healthy.
    public init(
        _ settings: S3Settings, credentials: Credentials, clock: any WallClock, breaker: SharedBreaker
    ) {
        self.settings = settings
        urls = ObjectURLs(settings, credentials, clock)
        self.breaker = breaker
    }

    /// May be replaced between two requests.
    public var credentials: Credentials {
        get { urls.credentials }
        set { urls.credentials = newValue }
    }

    /// Whether `verify` asks the store at all.
    public var verifiesObjects: Bool { settings.verification == .object }

    public func verify(objectKey: SecretText, by deadline: ContinuousClock.Instant) throws(Unavailable) {
        try ObjectKey.check(objectKey)
        guard verifiesObjects else { return }
        try S3Answer.checkObject(try guardedHead(objectKey, by: Deadline(at: deadline)))
    }

    public func presign(objectKey: SecretText, contentType: String, at now: UnixTime) throws(Unavailable) -> PresignedURL {
        try urls.get(objectKey, contentType: contentType, at: now)
    }

    /// Returns if the bucket answers and these credentials give access to it.
    public func probe() throws(Unavailable) {
        try S3Answer.checkBucket(try head(try urls.head(""), timeout: settings.timeout).mapError(S3Answer.noAnswer).get())
    }

    private func guardedHead(_ objectKey: SecretText, by deadline: Deadline) throws(Unavailable) -> Int {
        let url = try urls.head(objectKey)
        let permit: CircuitBreaker.Permit
        switch breaker.admit() {
        case .refused(let retryAt): throw .circuitOpen(.objectStore, retryAfter: ContinuousClock.now.duration(to: retryAt))
        case .admitted(let admitted): permit = admitted
        }
        var attempts = HeadAttempts(timeout: settings.timeout, start: .now, deadline: deadline.instant)
        var result: Result<Int, HTTPError>
        repeat {
            result = head(url, timeout: attempts.next(at: .now))
        } while attempts.isWorthAnother(result, at: .now)
        breaker.report(attempts.verdict(result, at: .now), permit)
        return try result.mapError(S3Answer.noAnswer).get()
    }

    private func head(_ url: String, timeout: Duration) -> Result<Int, HTTPError> {
        Result { () throws(HTTPError) in try client.head(url, timeout: timeout) }
    }
}

extension SharedBreaker {
    func report(_ verdict: HeadAttempts.WaitResult, _ permit: CircuitBreaker.Permit) {
        switch verdict {
        case .succeeded: succeeded(permit)
        case .failed: failed(permit)
        case .abandoned: abandoned(permit)
        }
    }
}
