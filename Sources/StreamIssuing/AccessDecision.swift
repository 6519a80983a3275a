/// The database's facts about one user and one track at this moment.
public struct AccessFacts: Sendable, Equatable {
    public struct User: Sendable, Equatable {
        public let id: ULID
        public let status: UserStatus
        /// Rises when all of the user's sessions end.
        public let sessionEpoch: Int64
        /// Tokens issued before this moment are refused: microseconds since 1970-01-01T00:00:00Z;
        /// `Int64.min` for "no such moment", `Int64.max` for "every token".
        public let tokensValidAfterMicroseconds: Int64

        public init(id: ULID, status: UserStatus, sessionEpoch: Int64, tokensValidAfterMicroseconds: Int64) {
            self.id = id
            self.status = status
            self.sessionEpoch = sessionEpoch
            self.tokensValidAfterMicroseconds = tokensValidAfterMicroseconds
        }
    }

    /// Nil where there is no such user, or none that the identity is linked to.
    public let user: User?
    /// Nil where there is no such track.
    public let track: Track?
    /// When the user's access to the track ends: nil where there is none, `distantFuture` for its owner and for a grant
    /// without end.
    public let accessExpiresAt: UnixTime?

    public init(user: User?, track: Track?, accessExpiresAt: UnixTime?) {
        self.user = user
        self.track = track
        self.accessExpiresAt = accessExpiresAt
    }
}

/// The checks 5 to 8 of the contract and that of the waveform, in their order: the first that fails determines the answer.
public enum AccessDecision {
    public struct Permission: Sendable, Equatable {
        public let userID: ULID
        public let track: Track
        public let sessionEpoch: Int64
        /// When the access expires.
        public let until: UnixTime

        public var session: UserSession { UserSession(user: userID, epoch: sessionEpoch) }
    }

    /// - Parameter leeway: how far the clocks of the token's issuer and of the database may differ.
    public static func decide(for listener: Listener, _ facts: AccessFacts, leeway: Duration = .zero) throws(Problem)
        -> Permission
    {
        guard let user = facts.user, user.status == .active else { throw .forbidden }
        guard tokenIsCurrent(listener, user, leeway) else { throw .unauthorized(.sessionEnded) }
        guard let track = facts.track else { throw .trackNotFound }
        guard let until = facts.accessExpiresAt else { throw .accessDenied(owner: track.ownerID) }
        guard track.status == .ready else { throw .trackNotReady(track.id, track.status) }
        guard track.part == .audio || !track.objectKey.exposeSecret().isEmpty else { throw .waveformNotFound }
        return Permission(userID: user.id, track: track, sessionEpoch: user.sessionEpoch, until: until)
    }

    /// A token without `iat` cannot show that it is younger than a logout, so it passes only where there was none.
    ///
    /// Where the clocks leave it unclear, a token that was used before the logout is refused, and so is one from a
    /// clock that is ahead. Any other is accepted: a new login after a logout must work.
    private static func tokenIsCurrent(_ listener: Listener, _ user: AccessFacts.User, _ leeway: Duration) -> Bool {
        let logout = user.tokensValidAfterMicroseconds
        guard logout != .min else { return true }
        guard let issuedAt = listener.tokenIssuedAt else { return false }
        return switch TokenAge(issuedAt: issuedAt, logout: logout, leeway: leeway) {
        case .older: false
        case .younger: true
        case .unclear: listener.tokenHistory?.pointsBefore(logout: logout, issuedAt: issuedAt) != true
        }
    }
}
