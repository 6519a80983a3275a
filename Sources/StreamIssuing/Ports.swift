// The domain's interfaces to its dependencies. An adapter serves all requests of one event loop and never blocks the
// loop's thread.

/// The result and the duration of a call to a dependency, for one observer's span, metric and log line.
public struct CallOutcome<Value: Sendable>: Sendable {
    public let result: Result<Value, Unavailable>
    public let began: ContinuousClock.Instant
    public let ended: ContinuousClock.Instant

    public init(_ result: Result<Value, Unavailable>, began: ContinuousClock.Instant, ended: ContinuousClock.Instant) {
        self.result = result
        self.began = began
        self.ended = ended
    }

    public var duration: Duration { began.duration(to: ended) }

    public var failure: Unavailable? { if case .failure(let failure) = result { failure } else { nil } }
}

/// Reads what the database knows about one user and one track, with the object of one of its parts.
///
/// Asking and waiting for the answer are two calls, so that the cache is read while the database works.
public protocol TrackStore: AnyObject {
    associatedtype Question

    /// Asks; never waits. An identity is resolved by the same question.
    /// - Parameter deadline: for the question and its answer, retries included.
    func ask(user: UserReference, track: ULID, part: TrackPart, by deadline: ContinuousClock.Instant) -> Question
    nonisolated(nonsending) func answer(to question: Question) async -> CallOutcome<AccessFacts>
}

/// Keeps URLs for a while. A cache that is down costs nothing but speed: its failure is a miss.
public protocol StreamURLCache: AnyObject {
    associatedtype Lookup

    /// Begins to read; never waits.
    func beginRead(user: ULID, track: ULID, part: TrackPart, by deadline: ContinuousClock.Instant) -> Lookup
    nonisolated(nonsending) func entry(of lookup: Lookup) async -> CallOutcome<CachedStreamURL?>
    /// Writes later: no request waits for it.
    /// - Parameter timeToLive: at least 1 s; a read does not extend it.
    func write(_ entry: CachedStreamURL, user: ULID, track: ULID, part: TrackPart, timeToLive: Duration)
}

/// Holds audio and waveforms.
public protocol ObjectStore: AnyObject {
    /// Succeeds where the track's object exists and is readable. Nil where that was known without a call.
    /// - Parameters:
    ///   - deadline: for all attempts together.
    ///   - abandonment: of the request. It ends the wait; the outcome is a failure then, whether or not the object
    ///     exists.
    nonisolated(nonsending) func verify(
        _ track: Track, by deadline: ContinuousClock.Instant, unless abandonment: Abandonment
    ) async -> CallOutcome<Void>?
    /// - Parameter session: whom the URL is for.
    /// - Throws: where the key cannot be signed safely: empty, or with a `.` or `..` segment, which URL parsers
    ///   collapse.
    func presign(
        objectKey: SecretText, contentType: String, for session: UserSession?, at now: UnixTime
    ) throws(Unavailable) -> PresignedURL
}
