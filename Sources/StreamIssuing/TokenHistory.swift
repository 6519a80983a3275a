import Synchronization

/// What this process has seen of a token beside its claims. It decides where the claim `iat` is too close to a logout.
public final class TokenHistory: Sendable {
    private let firstSeen: UnixTime
    /// The user's `tokens_valid_after` at the token's first use; `Int64.max` before it.
    private let validAfterAtFirstUse = Atomic<Int64>(.max)

    /// - Parameter firstSeen: by this machine's clock.
    public init(firstSeen: UnixTime) { self.firstSeen = firstSeen }

    /// Remembers the first use.
    /// - Parameter validAfter: the user's `tokens_valid_after` now, in microseconds since 1970.
    public func used(validAfterMicroseconds validAfter: Int64) {
        guard validAfterAtFirstUse.load(ordering: .relaxed) == .max else { return }
        _ = validAfterAtFirstUse.compareExchange(expected: .max, desired: validAfter, ordering: .relaxed)
    }

    /// Whether the token was used before the logout, which no clock can get wrong, or comes from a clock that is ahead
    /// and may be older than the logout.
    /// - Parameters:
    ///   - logout: microseconds since 1970.
    ///   - issuedAt: claim `iat`.
    func pointsBefore(logout: Int64, issuedAt: UnixTime) -> Bool {
        validAfterAtFirstUse.load(ordering: .relaxed) < logout || showsClockAhead(issuedAt, logout: logout)
    }

    /// Both moments are whole seconds, so one second may be rounding. Before a logout that is still to come by this
    /// machine's clock, nothing can be said: it is behind the database's.
    private func showsClockAhead(_ issuedAt: UnixTime, logout: Int64) -> Bool {
        firstSeen.adding(.seconds(1)) < issuedAt && logout / 1_000_000 <= firstSeen.seconds
    }
}
