// What the domain asks of the world. Each adapter serves one request at a time: a worker owns its own.

/// Says what the database knows about one user and one track.
///
/// Asking and hearing the answer are two calls, so that the cache is read while the database works.
public protocol TrackStore: AnyObject {
    /// - Parameter deadline: for the question and its answer, retries included.
    func ask(user: ULID, track: ULID, by deadline: ContinuousClock.Instant) throws(Unavailable)
    /// Call once after each `ask` that succeeded.
    func answer() throws(Unavailable) -> AccessFacts
}

/// Keeps URLs for a while. It never fails: a cache that is down costs nothing but speed.
public protocol StreamURLCache: AnyObject {
    func read(user: ULID, track: ULID) -> CachedStreamURL?
    /// - Parameter timeToLive: at least 1 s; a read does not extend it.
    func write(_ entry: CachedStreamURL, user: ULID, track: ULID, timeToLive: Duration)
    /// Why the last read or write did nothing; nil where it went well. For those who measure and trace: to a request it is a miss.
    var lastFailure: Unavailable? { get }
}

/// Holds the audio.
public protocol ObjectStore: AnyObject {
    /// Returns if the object is there to be read.
    /// - Parameter deadline: for all attempts together.
    func verify(objectKey: SecretText, by deadline: ContinuousClock.Instant) throws(Unavailable)
    /// - Throws: where the key cannot be signed safely: empty, or with a `.` or `..` segment, which URL parsers collapse.
    func presign(objectKey: SecretText, contentType: String, at now: UnixTime) throws(Unavailable) -> PresignedURL
}
