@testable import BearerTokens
import TestSupport
import Testing

@Suite struct TokenMutationTests {
    @Test(arguments: SignatureAlgorithm.allCases)
    func noMutationOfAGoodTokenIsAccepted(_ algorithm: SignatureAlgorithm) throws {
        let good = try #require(try TokenVectorTests.vectors().first { $0.name == "\(algorithm.rawValue) with kid" }).token
        let verifier = try TokenVectorTests.verifier()
        #expect(TestToken.outcome(of: good, verifier) == "accepted")
        var random = SeededRandom(seed: 1)
        // 10,000 for the four algorithms together.
        for _ in 0..<2500 {
            let mutated = String(decoding: random.mutated(Array(good.utf8)), as: UTF8.self)
            // Spaces between scheme and token are no part of the token.
            guard mutated.drop(while: { $0 == " " }) != good else { continue }
            #expect(TestToken.outcome(of: mutated, verifier) != "accepted", "\(mutated)")
        }
    }

    @Test func noCharacterOfATokenCanBeExchanged() throws {
        let good = Array(try TestToken.make().utf8)
        let verifier = try TestToken.verifier()
        for position in good.indices {
            for replacement in "Aa0-_.=+/ ".utf8 where replacement != good[position] {
                var changed = good
                changed[position] = replacement
                let token = String(decoding: changed, as: UTF8.self)
                guard position > 0 || replacement != 0x20 else { continue }
                #expect(TestToken.outcome(of: token, verifier) != "accepted", "\(position)")
            }
        }
    }

    @Test func signedGarbageAsClaimsCrashesNothing() throws {
        let verifier = try TestToken.verifier()
        var random = SeededRandom(seed: 2)
        var outcomes: Set<String> = []
        for _ in 0..<3000 {
            let claims = random.mutated(Array(TestToken.claims().utf8))
            outcomes.insert(TestToken.outcome(of: try TestToken.make(header: Array(#"{"alg":"HS256"}"#.utf8), claims: claims), verifier))
        }
        #expect(outcomes.isSuperset(of: ["malformed", "wrong_issuer", "wrong_audience", "bad_subject"]))
        #expect(!outcomes.contains("bad_signature"))
    }
}
