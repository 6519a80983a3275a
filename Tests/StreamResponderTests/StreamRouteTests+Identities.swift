import Resilience
import StreamIssuing
import TestSupport
import Testing
@testable import FastCGI
@testable import StreamResponder

/// A user whom the token names by an identity: the database resolves it.
extension StreamRouteTests {
    private static let identity = UserIdentity(issuer: "https://login.example.com/", subject: "auth0|CANARY")!

    private func nameUserByIdentity(_ identity: UserIdentity = identity) {
        services.listener = .success(
            Listener(user: .identity(identity), holdsListenerRole: true, tokenIssuedAt: nil))
    }

    private func key(_ head: [Substring]) -> Substring? { head.first { $0.hasPrefix("X-User-Id: ") }?.dropFirst(11) }

    @Test func identityIsCountedAndLoggedAsItsUser() async {
        nameUserByIdentity()
        services.facts = AccessFacts(
            user: .init(
                id: FakeServices.user, status: .active, sessionEpoch: 0, tokensValidAfterMicroseconds: .min),
            track: nil, accessExpiresAt: nil)
        let (head, _) = await answer(RecordedExchange())
        #expect(status(head) == "200" && key(head) == Substring(FakeServices.user.description))
        #expect(observer.record.userID == FakeServices.user)
    }

    /// Else nginx would not limit what each costs the database, or would answer 500.
    @Test func identityOfNoKnownUserIsCountedByADigest() async throws {
        nameUserByIdentity()
        services.outcome = .failure(.forbidden)
        services.facts = AccessFacts(user: nil, track: nil, accessExpiresAt: nil)
        let first = try #require(key(await answer(RecordedExchange()).head))
        #expect(first.hasPrefix("identity-") && (10...25).contains(first.utf8.count) && !first.contains("CANARY"))
        #expect(observer.record.userID == nil)
        services.outcome = .failure(.serviceUnavailable(Self.lost))
        services.facts = nil
        #expect(key(await answer(RecordedExchange()).head) == first)
        #expect(key(await answer(RecordedExchange(["DOCUMENT_URI": "/tracks/x/stream"])).head) == first)
        nameUserByIdentity(try #require(UserIdentity(issuer: "https://login.example.com/", subject: "other")))
        let other = try #require(key(await answer(RecordedExchange()).head))
        #expect(other.hasPrefix("identity-") && other != first)
    }

    @Test func identityClearlyOverTheLimitIsRefusedWithoutACall() async {
        nameUserByIdentity()
        let limit = RecordedExchange(["RATE_LIMIT_PER_MINUTE": "1"])
        for _ in 0..<2 { _ = await answer(limit) }
        let before = services.calls.count { $0.hasPrefix("issue") }
        let (head, _) = await answer(limit)
        #expect(status(head) == "429" && key(head)?.hasPrefix("identity-") == true)
        #expect(services.calls.count { $0.hasPrefix("issue") } == before)
    }

    @Test func identityWithoutTheRoleIsForbiddenAndSpendsNothing() async {
        services.listener = .success(
            Listener(user: .identity(Self.identity), holdsListenerRole: false, tokenIssuedAt: nil))
        let (head, _) = await answer(RecordedExchange())
        #expect(status(head) == "403" && key(head) == nil)
        #expect(allowances.withLock { $0.count } == 0)
    }
}
