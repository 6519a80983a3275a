import HTTPClient
public import Resilience
public import SigV4
public import StreamIssuing

/// The audio in an S3 bucket: verified through the internal endpoint, presigned for the public one.
///
/// Holds an HTTP connection and signing contexts: not thread-safe.
public final class S3ObjectStore {
    let settings: S3Settings
    private let client: HTTPClient
    let urls: ObjectURLs
    let clock: any WallClock
    private let access: StoreAccess
    private let breaker: SharedBreaker
    /// As the last call of `probe` or `read` showed it; nil where it brought no date.
    public private(set) var clockOffset: ClockOffset?
    /// Names no object. Its first segment is a legal name of a bucket, for stores that look for one there.
    private let probeKey = "novatune-probe/\(String(UInt64.random(in: 0 ... .max), radix: 36))"

    /// - Parameters:
    ///   - breaker: shared by all stores of this bucket. An object's look-up counts once, retry included; an answer
    ///     that is about the object or the credentials (4xx) shows that the store is healthy.
    ///   - access: shared likewise; `probe` reports to it.
    ///   - marker: marks each URL with its user; nil for URLs without.
    public init(
        _ settings: S3Settings, credentials: Credentials, clock: any WallClock, breaker: SharedBreaker,
        access: StoreAccess = StoreAccess(), marker: UserMarker? = nil
    ) {
        self.settings = settings
        self.clock = clock
        self.access = access
        client = HTTPClient(settings.files)
        urls = ObjectURLs(settings, credentials, clock, marker)
        self.breaker = breaker
    }

    /// May be replaced between two requests.
    public var credentials: Credentials {
        get { urls.credentials }
        set { urls.credentials = newValue }
    }

    /// The same.
    public var marker: UserMarker? {
        get { urls.marker }
        set { urls.marker = newValue }
    }

    /// Whether `verify` asks the store at all.
    public var verifiesObjects: Bool { settings.verification == .object }

    public func verify(objectKey: SecretText, by deadline: ContinuousClock.Instant) throws(Unavailable) {
        try ObjectKey.check(objectKey)
        guard verifiesObjects else { return }
        try S3Answer.checkObject(try guardedHead(objectKey, by: Deadline(at: deadline)))
    }

    public func presign(
        objectKey: SecretText, contentType: String, for session: UserSession?, at now: UnixTime
    ) throws(Unavailable) -> PresignedURL {
        try urls.get(objectKey, contentType: contentType, for: session, at: now)
    }

    /// Returns if the store takes what these settings and credentials sign.
    ///
    /// It asks for an object that need not exist. That there is none, and that it may not be read, both show that the
    /// bucket is there and that the signature is right: without s3:ListBucket, S3 answers 403 for a missing object.
    public func probe() throws(Unavailable) {
        clockOffset = nil
        try urls.checkCredentials(at: clock.now)
        let fault = try ownFault(SecretText(probeKey))
        let text = FaultText(settings: settings, side: .own, offset: clockOffset)
        access.probed(fault.flatMap { $0.isOfSettings ? text.unavailable($0).reason : nil })
        switch fault {
        case nil, .missingObject, .accessDenied: return
        case let fault?: throw text.unavailable(fault)
        }
    }

    /// Returns if this object can be read, as a HEAD of it would show; a refusal says why.
    public func read(objectKey: SecretText) throws(Unavailable) {
        try ObjectKey.check(objectKey)
        guard let fault = try ownFault(objectKey) else { return }
        throw FaultText(settings: settings, side: .own, offset: clockOffset).unavailable(fault)
    }

    private func ownFault(_ key: SecretText) throws(Unavailable) -> StoreFault? {
        clockOffset = nil
        let request = ObjectRequest(
            key: key.exposeSecret(), bucket: settings.bucket, addressing: settings.addressing,
            expiry: ObjectURLs.ownExpiry)
        let url = try urls.own("GET", key)
        do {
            let fetched = try ObjectFetch.fetch(url, client, clock, timeout: settings.timeout)
            clockOffset = fetched.clockOffset
            return fetched.fault(of: request)
        } catch {
            throw S3Answer.noAnswer(error, settings.addressing)
        }
    }

    private func guardedHead(_ objectKey: SecretText, by deadline: Deadline) throws(Unavailable) -> Int {
        let url = try urls.own("HEAD", objectKey)
        let permit: CircuitBreaker.Permit
        switch breaker.admit() {
        case .refused(let retryAt):
            throw .circuitOpen(.objectStore, retryAfter: ContinuousClock.now.duration(to: retryAt))
        case .admitted(let admitted): permit = admitted
        }
        var attempts = HeadAttempts(timeout: settings.timeout, start: .now, deadline: deadline.instant)
        var result: Result<Int, HTTPError>
        repeat {
            result = head(url, timeout: attempts.next(at: .now))
        } while attempts.isWorthAnother(result, at: .now)
        breaker.report(attempts.verdict(result, at: .now), permit)
        return try result.mapError { S3Answer.noAnswer($0) }.get()
    }

    private func head(_ url: String, timeout: Duration) -> Result<Int, HTTPError> {
        Result { () throws(HTTPError) in try client.head(url, timeout: timeout) }
    }
}

extension SharedBreaker {
    func report(_ verdict: HeadAttempts.StoreHealth, _ permit: CircuitBreaker.Permit) {
        switch verdict {
        case .succeeded: succeeded(permit)
        case .failed: failed(permit)
        case .abandoned: abandoned(permit)
        }
    }
}
