import StreamIssuing
import TestSupport
import Testing

/// Logouts and logins while the issuer's clock differs from the database's by up to the leeway of 5 s.
@Suite struct TokenHistoryTests {
    private static let leeway = Duration.seconds(5)

    /// Seconds by this machine's clock, and `iat` by the issuer's.
    private func listener(seen: Int64, issuedAt: Int64) -> Listener {
        Listener(
            user: .id(Facts.userID), holdsListenerRole: true, tokenIssuedAt: UnixTime(seconds: issuedAt),
            tokenHistory: TokenHistory(firstSeen: UnixTime(seconds: seen)))
    }

    /// - Parameter logout: nil where there was none.
    private func isAccepted(_ listener: Listener, logout: Int64?, leeway: Duration = leeway) -> Bool {
        let facts = Facts.facts(user: Facts.user(validAfterMicroseconds: logout.map { $0 * 1_000_000 } ?? .min))
        return (try? AccessDecision.decide(for: listener, facts, leeway: leeway)) != nil
    }

    private func use(_ listener: Listener, logout: Int64?) {
        listener.tokenHistory?.used(validAfterMicroseconds: logout.map { $0 * 1_000_000 } ?? .min)
    }

    @Test func tokenUsedBeforeTheLogoutIsRefusedThoughItsIssuersClockIsAhead() {
        let token = listener(seen: Facts.now, issuedAt: Facts.now + 5)
        use(token, logout: nil)
        #expect(isAccepted(token, logout: nil))
        #expect(!isAccepted(token, logout: Facts.now + 2))
    }

    @Test func tokenOfAClockThatIsAheadIsRefusedThoughItWasNotUsedBeforeTheLogout() {
        let token = listener(seen: Facts.now + 2, issuedAt: Facts.now + 5)
        #expect(!isAccepted(token, logout: Facts.now + 2))
        use(token, logout: Facts.now + 2)
        #expect(!isAccepted(token, logout: Facts.now + 2), "a later request may not change it")
    }

    @Test func newLoginWhoseIssuersClockIsBehindIsAccepted() {
        for seconds in 0...5 as ClosedRange<Int64> {
            let token = listener(seen: Facts.now + seconds, issuedAt: Facts.now + seconds - 5)
            #expect(isAccepted(token, logout: Facts.now), "\(seconds) s after the logout")
            use(token, logout: Facts.now)
            #expect(isAccepted(token, logout: Facts.now), "again")
        }
    }

    @Test func newLoginWithTheSameClockIsAcceptedInTheSecondOfTheLogout() {
        let token = listener(seen: Facts.now, issuedAt: Facts.now)
        let facts = Facts.facts(user: Facts.user(validAfterMicroseconds: Facts.now * 1_000_000 + 400_000))
        #expect((try? AccessDecision.decide(for: token, facts, leeway: Self.leeway)) != nil)
        #expect((try? AccessDecision.decide(for: token, facts)) == nil, "without leeway a logout wins")
    }

    /// Both are cut to whole seconds, so a clock that is right may seem to be ahead by one.
    @Test func oneSecondAheadIsNoSignOfAnotherClock() {
        #expect(isAccepted(listener(seen: Facts.now, issuedAt: Facts.now + 1), logout: Facts.now))
        #expect(!isAccepted(listener(seen: Facts.now, issuedAt: Facts.now + 2), logout: Facts.now))
    }

    @Test func tokenSeenBeforeALogoutThatIsStillToComeIsJudgedByItsClaim() {
        #expect(isAccepted(listener(seen: Facts.now, issuedAt: Facts.now + 3), logout: Facts.now + 1))
    }

    @Test func eachLogoutEndsTheTokensThatWereUsedBefore() {
        let token = listener(seen: Facts.now + 1, issuedAt: Facts.now + 1)
        use(token, logout: Facts.now)
        #expect(isAccepted(token, logout: Facts.now))
        use(token, logout: Facts.now + 2)
        #expect(!isAccepted(token, logout: Facts.now + 2))
    }

    @Test func tokenYoungerThanTheLogoutStaysValidWhereverItWasUsed() {
        let token = listener(seen: Facts.now, issuedAt: Facts.now)
        use(token, logout: nil)
        #expect(isAccepted(token, logout: Facts.now - 3600))
    }
}
