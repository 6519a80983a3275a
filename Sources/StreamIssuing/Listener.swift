/// The user who sends a request, as a verified bearer token states.
///
/// Only what the token can know: the database decides at every request whether the user exists and is active.
public struct Listener: Sendable, Equatable {
    /// Claim `sub`.
    public let userID: ULID
    /// Whether the claim `roles` names `listener`, in any case of letters.
    public let holdsListenerRole: Bool
    /// Claim `iat` (RFC 7519 §4.1.6); nil where the token has none.
    public let tokenIssuedAt: UnixTime?

    public init(userID: ULID, holdsListenerRole: Bool, tokenIssuedAt: UnixTime?) {
        self.userID = userID
        self.holdsListenerRole = holdsListenerRole
        self.tokenIssuedAt = tokenIssuedAt
    }
}
