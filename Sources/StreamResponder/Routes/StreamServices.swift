public import BearerTokens
public import StreamIssuing

/// What a route needs from its surroundings. One for each event loop; for the loop's thread only.
public protocol StreamServices: AnyObject {
    /// Adopts the current keys and credentials. Called before each request.
    func takeCurrentSecrets()
    /// - Parameter authorization: the value of the header `Authorization` (RFC 6750 §2.1); nil or empty where there was none.
    func verify(authorization: String?) throws(TokenRejection) -> Listener
    /// - Parameter deadline: for the request as a whole.
    nonisolated(nonsending) func issue(
        _ track: ULID, to listener: Listener, by deadline: ContinuousClock.Instant, _ observer: RequestObserver
    ) async throws(Problem) -> IssuedURL
}
