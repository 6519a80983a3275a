import BearerTokens
import Cryptography
import TestSupport
import Testing

@Suite struct KeySetTests {
    private func key(_ id: String?) throws -> VerificationKey {
        try VerificationKey(sharedSecret: TestToken.secret, id: id)
    }

    @Test func emptySetIsRefused() {
        let error = #expect(throws: KeySetError.self) { try KeySet([]) }
        #expect(error?.description == "no key to check tokens with")
    }

    @Test func repeatedIdentifierIsRefused() throws {
        let keys = [try key("a"), try key("b"), try key("a")]
        let error = #expect(throws: KeySetError.self) { try KeySet(keys) }
        #expect(error?.description == "kid a: twice with HS256")
    }

    @Test func twoKeysWithoutIdentifierAreRefused() throws {
        let keys = [try key(nil), try key(nil)]
        let error = #expect(throws: KeySetError.self) { try KeySet(keys) }
        #expect(error?.description == "two keys without kid: twice with HS256")
    }

    private func outcome(_ header: String, _ keys: VerificationKey...) throws -> String {
        TestToken.outcome(of: try TestToken.make(header: header), TestToken.verifier(try KeySet(keys)))
    }

    @Test func tokenWithoutKidIsRefusedWhereTwoKeysHaveItsAlgorithm() throws {
        let header = #"{"alg":"HS256"}"#
        #expect(try outcome(header, try key("a")) == "accepted")
        #expect(try outcome(header, try key("a"), try key("b")) == "unknown_key")
        #expect(try outcome(header, try key(nil), try key("b")) == "unknown_key")
    }

    @Test func tokenWithKidIsCheckedWithThatKeyOnly() throws {
        let other = try VerificationKey(sharedSecret: SymmetricKey([UInt8](repeating: 7, count: 32)), id: "other")
        #expect(try outcome(#"{"alg":"HS256","kid":"b"}"#, other, try key("b"), try key(nil)) == "accepted")
        #expect(try outcome(#"{"alg":"HS256","kid":"other"}"#, other, try key("b"), try key(nil)) == "bad_signature")
        #expect(try outcome(#"{"alg":"HS256","kid":"c"}"#, other, try key("b"), try key(nil)) == "unknown_key")
        #expect(try outcome(#"{"alg":"RS256","kid":"b"}"#, other, try key("b"), try key(nil)) == "unknown_key")
    }

    @Test func sharedSecretOf31BytesIsRefusedAndOf32IsNot() throws {
        #expect(throws: KeySetError.self) {
            try VerificationKey(sharedSecret: SymmetricKey([UInt8](repeating: 65, count: 31)))
        }
        _ = try VerificationKey(sharedSecret: SymmetricKey([UInt8](repeating: 65, count: 32)))
    }

    @Test func keysDescribeThemselvesWithoutTheirBytes() throws {
        let secret = "canary-canary-canary-canary-canary"
        let keys = try KeySet([try VerificationKey(sharedSecret: SymmetricKey(Array(secret.utf8)), id: "k1")])
        var dumped = ""
        dump(keys, to: &dumped)
        let bytes = Array(secret.utf8).prefix(3).map(String.init).joined(separator: ", ")
        for text in ["\(keys)", String(reflecting: keys), "\(keys.keys)", dumped] {
            #expect(!text.contains("canary") && !text.contains(bytes))
        }
        #expect("\(keys.keys[0])" == "HS256 (kid k1)")
    }
}
