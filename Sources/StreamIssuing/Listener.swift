/// The user who sends a request, as a verified bearer token states.
///
/// Only what the token can know: the database decides at every request whether the user exists and is active.
public struct Listener: Sendable, Equatable {
    /// Claims `iss` and `sub`.
    public let user: UserReference
    /// Whether the token names the role that the settings ask for; true where they ask for none.
    public let holdsListenerRole: Bool
    /// Claim `iat` (RFC 7519 §4.1.6); nil where the token has none.
    public let tokenIssuedAt: UnixTime?
    /// Nil where the token is not remembered.
    public let tokenHistory: TokenHistory?

    public init(
        user: UserReference, holdsListenerRole: Bool, tokenIssuedAt: UnixTime?, tokenHistory: TokenHistory? = nil
    ) {
        self.user = user
        self.holdsListenerRole = holdsListenerRole
        self.tokenIssuedAt = tokenIssuedAt
        self.tokenHistory = tokenHistory
    }

    /// By what the token states, not by what this process has seen of it.
    public static func == (left: Listener, right: Listener) -> Bool {
        left.user == right.user && left.holdsListenerRole == right.holdsListenerRole
            && left.tokenIssuedAt == right.tokenIssuedAt
    }
}
