import BearerTokens
import Cryptography
import StreamIssuing
import TestSupport
import Testing

@Suite struct TokenCacheTests {
    private func token(_ number: Int, expiring: Int64 = TestToken.now + 600) throws -> String {
        try TestToken.make(claims: TestToken.claims(["jti": "\(number)", "exp": "\(expiring)"]))
    }

    @Test(arguments: [1, 2, 7, 16])
    func neverHoldsMoreThanTwiceItsCapacity(_ capacity: Int) throws {
        let verified = TokenCache(capacity: capacity)
        let verifier = try TestToken.verifier(remembering: verified)
        var random = SeededRandom(seed: 3)
        var highest = 0
        for _ in 0..<600 {
            #expect(TestToken.outcome(of: try token(Int.random(in: 0..<100, using: &random)), verifier) == "accepted")
            highest = max(highest, verified.count)
            #expect(verified.count <= 2 * capacity)
        }
        #expect(highest > capacity)
    }

    @Test func capacityBelowOneCountsAsOne() throws {
        let verified = TokenCache(capacity: -5)
        let verifier = try TestToken.verifier(remembering: verified)
        for number in 0..<5 { _ = TestToken.outcome(of: try token(number), verifier) }
        #expect((1...2).contains(verified.count))
    }

    @Test func sameTokenIsCachedOnce() throws {
        let verified = TokenCache()
        let verifier = try TestToken.verifier(remembering: verified)
        for _ in 0..<3 { _ = TestToken.outcome(of: try token(1), verifier) }
        #expect(verified.count == 1)
    }

    private static func otherKey() throws -> KeySet {
        try KeySet([try VerificationKey(sharedSecret: SymmetricKey([UInt8](repeating: 7, count: 32)))])
    }

    @Test func cachedTokenIsNotParsedAgain() throws {
        // Nothing but the token's digest is looked at: a verifier with another key accepts what the first has verified.
        let verified = TokenCache()
        let good = try token(1)
        #expect(TestToken.outcome(of: good, try TestToken.verifier(remembering: verified)) == "accepted")
        let keyless = TestToken.verifier(try Self.otherKey(), remembering: verified)
        #expect(TestToken.outcome(of: good, keyless) == "accepted")
        #expect(TestToken.outcome(of: try token(2), keyless) == "bad_signature")
    }

    @Test func cachedTokenExpiresAndIsRemoved() throws {
        let verified = TokenCache()
        let clock = SettableWallClock(TestToken.now)
        let verifier = try TestToken.verifier(clock: clock, remembering: verified)
        let token = try token(1, expiring: TestToken.now + 10)
        #expect(TestToken.outcome(of: token, verifier) == "accepted")
        clock.set(TestToken.now + 9)
        #expect(TestToken.outcome(of: token, verifier) == "accepted")
        #expect(verified.count == 1)
        clock.set(TestToken.now + 10)
        #expect(TestToken.outcome(of: token, verifier) == "expired")
        #expect(verified.count == 0)
    }

    @Test func expiredTokenIsRemovedFromTheOlderGeneration() throws {
        let verified = TokenCache(capacity: 1)
        let clock = SettableWallClock(TestToken.now)
        let verifier = try TestToken.verifier(clock: clock, remembering: verified)
        let old = try token(1, expiring: TestToken.now + 10)
        _ = TestToken.outcome(of: old, verifier)
        _ = TestToken.outcome(of: try token(2), verifier)
        #expect(verified.count == 2)
        clock.set(TestToken.now + 10)
        #expect(TestToken.outcome(of: old, verifier) == "expired")
        #expect(verified.count == 1)
    }

    @Test func rejectedTokenIsNotCached() throws {
        let verified = TokenCache()
        let verifier = try TestToken.verifier(remembering: verified)
        let rejected = [
            try token(1, expiring: TestToken.now), try token(1) + "A",
            try TestToken.make(claims: TestToken.claims(["aud": "\"x\""])),
            try TestToken.make(claims: TestToken.claims(["nbf": "\(TestToken.now + 1)"])), "a.b.c",
        ]
        for token in rejected { #expect(TestToken.outcome(of: token, verifier) != "accepted") }
        #expect(verified.count == 0)
    }

    @Test func tokenInUseStaysAndOthersAreEvicted() throws {
        let verified = TokenCache(capacity: 4)
        let verifier = try TestToken.verifier(remembering: verified)
        let kept = try token(0)
        // Knows no key that made these tokens: it accepts what is remembered.
        let observer = TestToken.verifier(try Self.otherKey(), remembering: verified)
        _ = TestToken.outcome(of: kept, verifier)
        for number in 1...40 {
            _ = TestToken.outcome(of: try token(number), verifier)
            #expect(TestToken.outcome(of: kept, observer) == "accepted", "after \(number) others")
        }
        #expect(TestToken.outcome(of: try token(1), observer) == "bad_signature")
    }
}
