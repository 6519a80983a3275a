public import StreamIssuing

/// What a route needs from its surroundings. One for each event loop; for the loop's thread only.
public protocol StreamServices: AnyObject {
    /// Adopts the current keys and credentials. Called before each request.
    func takeCurrentSecrets()
    /// - Parameter authorization: the value of the header `Authorization` (RFC 6750 §2.1); nil or empty where there was
    ///   none.
    func verify(authorization: String?) throws(TokenRejection) -> Listener
    /// The token that was verified last names a key that is not known.
    /// - Returns: whether keys are being fetched that may hold it.
    func keyMayCome() -> Bool
    /// Whether one more request may wait for keys.
    var mayAwaitKeys: Bool { get }
    /// Waits until a fetch of keys has ended, of any provider.
    /// - Returns: false where `deadline` or the abandonment came first.
    nonisolated(nonsending) func keysFetched(
        by deadline: ContinuousClock.Instant, unless abandonment: Abandonment
    ) async -> Bool
    /// - Parameters:
    ///   - deadline: for the request as a whole.
    ///   - abandonment: of the request.
    nonisolated(nonsending) func issue(
        _ track: ULID, _ part: TrackPart, to listener: Listener, by deadline: ContinuousClock.Instant,
        unless abandonment: Abandonment, _ observer: RequestObserver
    ) async throws(Problem) -> IssuedURL
}
