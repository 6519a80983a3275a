@testable import BearerTokens
import StreamIssuing
import TestSupport
import Testing

/// Tokens of all algorithms that Python's cryptography made (Vectors/generate.py).
@Suite struct TokenVectorTests {
    struct Vector: Decodable, Sendable {
        let comment: String
        let flags: [String]
        let result: String
        let outcome: String
        let token: String
    }

    static func vectors() throws -> [Vector] { try VectorFile("tokens.jsonl").jsonLines(Vector.self) }

    static func verifier() throws -> TokenVerifier {
        TestToken.verifier(try KeySet(try PublishedKeys(jsonWebKeySet: try VectorFile("jwks.json").bytes())))
    }

    @Test func eachVectorHasItsOutcome() throws {
        let verifier = try Self.verifier()
        for vector in try Self.vectors() {
            #expect(TestToken.outcome(of: vector.token, verifier) == vector.outcome, "\(vector.comment)")
            #expect((vector.outcome == "accepted") == (vector.result == "valid"), "\(vector.comment)")
        }
    }

    @Test func repeatedVerificationHasTheSameOutcome() throws {
        let verifier = try Self.verifier()
        for vector in try Self.vectors() {
            _ = TestToken.outcome(of: vector.token, verifier)
            #expect(TestToken.outcome(of: vector.token, verifier) == vector.outcome, "\(vector.comment)")
        }
    }

    @Test func outcomeDoesNotDependOnEarlierTokens() throws {
        let verifier = try Self.verifier()
        var random = SeededRandom(seed: 8)
        let vectors = try Self.vectors()
        for _ in 0..<10 {
            for vector in vectors.shuffled(using: &random) {
                #expect(TestToken.outcome(of: vector.token, verifier) == vector.outcome, "\(vector.comment)")
            }
        }
    }

    @Test(arguments: SignatureAlgorithm.allCases)
    func acceptedTokenNamesItsListener(_ algorithm: SignatureAlgorithm) throws {
        let vector = try #require(try Self.vectors().first { $0.comment == "\(algorithm.rawValue) with kid" })
        let listener = try Self.verifier().verify(authorization: "Bearer \(vector.token)")
        #expect(
            listener
                == Listener(
                    user: .id(try #require(ULID(TestToken.subject))), holdsListenerRole: true,
                    tokenIssuedAt: UnixTime(seconds: TestToken.now - 60)))
    }

    @Test func vectorsCoverEveryAlgorithmAndOutcome() throws {
        let vectors = try Self.vectors()
        for algorithm in SignatureAlgorithm.allCases {
            for outcome in ["accepted", "bad_signature", "unknown_key", "forbidden_header", "malformed"] {
                #expect(vectors.contains { $0.comment.hasPrefix(algorithm.rawValue) && $0.outcome == outcome })
            }
        }
    }
}
