@testable import BearerTokens
import TestSupport
import Testing

@Suite struct TokenMutationTests {
    /// Those that are accepted, which none should be.
    private func accepted(_ tokens: [String], _ verifier: TokenVerifier) -> [String] {
        tokens.filter { TestToken.outcome(of: $0, verifier) == "accepted" }
    }

    @Test(arguments: SignatureAlgorithm.allCases)
    func noMutationOfAGoodTokenIsAccepted(_ algorithm: SignatureAlgorithm) throws {
        let vectors = try TokenVectorTests.vectors()
        let good = try ["with kid", "with typ"].map { name in
            try #require(vectors.first { $0.comment == "\(algorithm.rawValue) \(name)" }).token
        }
        let verifier = try TokenVectorTests.verifier()
        let seed: UInt64 = 1
        var random = SeededRandom(seed: seed)
        var mutants: [String] = []
        // 10,000 for all algorithms together.
        while mutants.count < 10_000 / SignatureAlgorithm.allCases.count {
            let mutant = String(
                decoding: random.mutated(Array(good[0].utf8), splicing: Array(good[1].utf8)), as: UTF8.self)
            // Spaces between scheme and token are no part of the token.
            if !good.contains(String(mutant.drop { $0 == " " })) { mutants.append(mutant) }
        }
        #expect(accepted(mutants, verifier) == [], "seed \(seed)")
        #expect(accepted(mutants + good, verifier) == good, "the search must find an accepted token")
    }

    @Test func tokenWithAnyCharacterReplacedIsRefused() throws {
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

    @Test func signedGarbageAsClaimsDoesNotCrash() throws {
        let verifier = try TestToken.verifier()
        var random = SeededRandom(seed: 2)
        var outcomes: Set<String> = []
        for _ in 0..<3000 {
            let claims = random.mutated(Array(TestToken.claims().utf8))
            outcomes.insert(
                TestToken.outcome(
                    of: try TestToken.make(header: Array(#"{"alg":"HS256"}"#.utf8), claims: claims), verifier))
        }
        #expect(outcomes.isSuperset(of: ["malformed", "wrong_issuer", "wrong_audience"]))
        #expect(!outcomes.contains("bad_signature"))
    }
}
