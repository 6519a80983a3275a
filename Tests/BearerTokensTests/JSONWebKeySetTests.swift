@testable import BearerTokens
import TestSupport
import Testing

/// RFC 7517; what a key set says in its complaint is read by an operator and kept in logs.
@Suite struct JSONWebKeySetTests {
    private static let x = Base64URL.encode([UInt8](repeating: 0xC4, count: 32))
    private static let secret = Base64URL.encode([UInt8](repeating: 0xC4, count: 32))
    private static let shortSecret = Base64URL.encode([UInt8](repeating: 0xC4, count: 31))
    private static let modulus1024 = Base64URL.encode([UInt8](repeating: 0xC4, count: 127) + [1])
    private static let modulus2048 = Base64URL.encode([UInt8](repeating: 0xC4, count: 255) + [1])
    private static let modulus2047 = Base64URL.encode([0x44] + [UInt8](repeating: 0xC4, count: 254) + [1])
    private static let modulus8200 = Base64URL.encode([UInt8](repeating: 0xC4, count: 1024) + [1])

    private func read(_ text: String) throws(KeySetError) -> [VerificationKey] { try published(text).keys }

    private func published(_ text: String) throws(KeySetError) -> PublishedKeys {
        try PublishedKeys(jsonWebKeySet: Array(text.utf8))
    }

    @Test func generatedSetHasItsKeysInOrder() throws {
        let published = try PublishedKeys(jsonWebKeySet: try VectorFile("jwks.json").bytes())
        #expect(
            published.keys.map(\.description) == [
                "HS256 (kid hs)", "RS256 (kid rs)", "RS384 (kid rs384)", "RS512 (kid rs512)", "PS256 (kid ps)",
                "ES256 (kid es)", "ES256 (kid es2)", "ES384 (kid es384)", "EdDSA (kid ed)",
            ])
        #expect(published.skipped.isEmpty)
    }

    @Test(arguments: [
        Row("no alg", #""kty":"oct","k":"\#(secret)""#), Row("alg none", #""kty":"oct","alg":"none","k":"\#(secret)""#),
        Row("alg HS384", #""kty":"oct","alg":"HS384","k":"\#(secret)""#),
        Row("alg a number", #""kty":"oct","alg":1,"k":"\#(secret)""#),
        Row("no kty", #""alg":"HS256","k":"\#(secret)""#),
        Row("kty of another algorithm", #""kty":"RSA","alg":"HS256","k":"\#(secret)""#),
        Row("no k", #""kty":"oct","alg":"HS256""#),
        Row("k too short", #""kty":"oct","alg":"HS256","k":"\#(shortSecret)""#),
        Row("k with padding", #""kty":"oct","alg":"HS256","k":"\#(secret)=""#),
        Row("k empty", #""kty":"oct","alg":"HS256","k":"""#),
        Row("k a number", #""kty":"oct","alg":"HS256","k":1"#),
        Row("for encryption", #""kty":"oct","alg":"HS256","use":"enc","k":"\#(secret)""#),
        Row("use a number", #""kty":"oct","alg":"HS256","use":1,"k":"\#(secret)""#),
        Row("private EC key", #""kty":"EC","alg":"ES256","crv":"P-256","x":"\#(x)","y":"\#(x)","d":"\#(secret)""#),
        Row("private RSA key", #""kty":"RSA","alg":"RS256","n":"\#(modulus2048)","e":"AQAB","d":"\#(secret)""#),
        Row("prime factor", #""kty":"RSA","alg":"RS256","n":"\#(modulus2048)","e":"AQAB","p":"\#(secret)""#),
        Row("RSA 1024", #""kty":"RSA","alg":"RS256","n":"\#(modulus1024)","e":"AQAB""#),
        Row("RSA 2047", #""kty":"RSA","alg":"RS256","n":"\#(modulus2047)","e":"AQAB""#),
        Row("RSA 8200", #""kty":"RSA","alg":"RS256","n":"\#(modulus8200)","e":"AQAB""#),
        Row("exponent 1", #""kty":"RSA","alg":"RS256","n":"\#(modulus2048)","e":"AQ""#),
        Row("exponent even", #""kty":"RSA","alg":"RS256","n":"\#(modulus2048)","e":"AQAA""#),
        Row("exponent zero", #""kty":"RSA","alg":"RS256","n":"\#(modulus2048)","e":"AA""#),
        Row("exponent of 9 bytes", #""kty":"RSA","alg":"RS256","n":"\#(modulus2048)","e":"AQAAAAAAAAAB""#),
        Row("no exponent", #""kty":"RSA","alg":"RS256","n":"\#(modulus2048)""#),
        Row("modulus not base64url", #""kty":"RSA","alg":"RS256","n":"!\#(modulus2048)","e":"AQAB""#),
        Row("kty EC for RS256", #""kty":"EC","alg":"RS256","n":"\#(modulus2048)","e":"AQAB""#),
        Row("point not on the curve", #""kty":"EC","alg":"ES256","crv":"P-256","x":"\#(x)","y":"\#(x)""#),
        Row("coordinate of 33 bytes", #""kty":"EC","alg":"ES256","crv":"P-256","x":"\#(x)xA","y":"\#(x)""#),
        Row("point not on P-384", #""kty":"EC","alg":"ES384","crv":"P-384","x":"\#(x)","y":"\#(x)""#),
        Row("alg of another curve", #""kty":"EC","alg":"ES384","crv":"P-256","x":"\#(x)","y":"\#(x)""#),
        Row("for wrapping", #""kty":"oct","alg":"HS256","key_ops":["wrapKey"],"k":"\#(secret)""#),
        Row("unknown kty", #""kty":"AKP","alg":"ML-DSA-44","pub":"\#(secret)""#),
        Row("another curve", #""kty":"EC","alg":"ES256","crv":"P-384","x":"\#(x)","y":"\#(x)""#),
        Row("no y", #""kty":"EC","alg":"ES256","crv":"P-256","x":"\#(x)""#),
        Row("Ed25519 of 31 bytes", #""kty":"OKP","alg":"EdDSA","crv":"Ed25519","x":"\#(shortSecret)""#),
        Row("Ed448", #""kty":"OKP","alg":"EdDSA","crv":"Ed448","x":"\#(x)""#),
        Row("EdDSA with kty EC", #""kty":"EC","alg":"EdDSA","crv":"Ed25519","x":"\#(x)""#),
    ])
    func unusableKeyIsSkippedAndNamedWithoutItsBytes(_ row: Row<String>) throws {
        let good = #"{"kid":"good","kty":"oct","alg":"HS256","k":"\#(Self.secret)"}"#
        let bad = #"{"kid":"the-bad-one",\#(row.value)}"#
        let both = try published(#"{"keys":[\#(good),\#(bad)]}"#)
        #expect(both.keys.map(\.description) == ["HS256 (kid good)"])
        let alone = try #require(#expect(throws: KeySetError.self) { try read(#"{"keys":[\#(bad)]}"#) })
        for message in [SkippedKey.list(both.skipped), alone.description] {
            #expect(message.contains("the-bad-one") && !message.contains("\n"))
            // 0xC4 in a row reads "xMTE" in base64url, "C4" or "196" otherwise.
            for trace in ["xMTE", "C4C4", "c4c4", "196"] { #expect(!message.contains(trace), "\(message)") }
        }
    }

    @Test func good2048BitModulusAndLeadingZeroAreRead() throws {
        let plain = try read(#"{"keys":[{"kid":"a","kty":"RSA","alg":"RS256","n":"\#(Self.modulus2048)","e":"AQAB"}]}"#)
        let padded = Base64URL.encode([0] + [UInt8](repeating: 0xC4, count: 255) + [1])
        let withZero = try read(#"{"keys":[{"kid":"a","kty":"RSA","alg":"RS256","n":"\#(padded)","e":"Aw"}]}"#)
        #expect((plain + withZero).map(\.description) == ["RS256 (kid a)", "RS256 (kid a)"])
    }

    @Test(arguments: [
        Row("no kid", ""), Row("kid empty", #""kid":"","#), Row("kid a number", #""kid":7,"#),
        Row("kid null", #""kid":null,"#),
    ])
    func keyWithoutNameIsUsableAndNamedByItsPosition(_ row: Row<String>) throws {
        let good = #""kty":"oct","alg":"HS256","k":"\#(Self.secret)""#
        #expect(try read(#"{"keys":[{\#(row.value)\#(good)}]}"#).map(\.id) == [nil])
        let both = try published(#"{"keys":[{"kid":"a",\#(good)},{\#(row.value)"kty":"oct"}]}"#)
        #expect(both.skipped.map(\.description) == ["key 2: kty \"oct\" without alg"])
    }

    @Test func kidIsShownWithoutControlCharactersAndCut() throws {
        let kid = #"a\u001b[2J\u0000\u202e\n"# + String(repeating: "k", count: 100)
        let good = #"{"kty":"oct","alg":"HS256","k":"\#(Self.secret)"}"#
        let skipped = try published(#"{"keys":[{"kid":"\#(kid)","kty":"x"},\#(good)]}"#).skipped
        #expect(skipped.map(\.name) == ["kid a?[2J???" + String(repeating: "k", count: 56) + "…"])
    }

    @Test func sameKeyTwiceIsOneAndAnotherOfItsNameIsSkipped() throws {
        func key(_ byte: UInt8) -> String {
            let secret = Base64URL.encode([UInt8](repeating: byte, count: 32))
            return #"{"kid":"a","kty":"oct","alg":"HS256","k":"\#(secret)"}"#
        }
        #expect(try read(#"{"keys":[\#(key(1)),\#(key(1))]}"#).count == 1)
        let both = try published(#"{"keys":[\#(key(1)),\#(key(2))]}"#)
        #expect(both.keys.count == 1)
        #expect(both.skipped.map(\.description) == ["kid a: a key before it has the same kid and alg"])
    }

    @Test func listOfAlgorithmsBoundsPublishedKeys() throws {
        let rsa = #""kty":"RSA","n":"\#(Self.modulus2048)","e":"AQAB""#
        let secret = #"{"kid":"hs","kty":"oct","alg":"HS256","k":"\#(Self.secret)"}"#
        let all = try published(#"{"keys":[{"kid":"any",\#(rsa)},{"kid":"ps","alg":"PS256",\#(rsa)},\#(secret)]}"#)
        func names(_ allowed: [SignatureAlgorithm]) throws -> [String] {
            try all.bounded(by: allowed).keys.map(\.description)
        }
        #expect(try names(SignatureAlgorithm.usual) == ["RS256 (kid any)", "HS256 (kid hs)"])
        #expect(try names([.rs512, .ps256]) == ["RS512 (kid any)", "PS256 (kid ps)", "HS256 (kid hs)"])
        #expect(
            try all.bounded(by: [.rs256]).skipped.map(\.description) == [
                "kid ps: PS256 is not in NOVATUNE_JWT_ALGORITHMS"
            ])
        let withoutSecrets = try all.withoutSecrets()
        #expect(withoutSecrets.skipped.map(\.description) == ["kid hs: an HS256 secret must not be published"])
        #expect(throws: KeySetError.self) { try withoutSecrets.bounded(by: [.edDSA]) }
    }

    @Test(arguments: [
        "", "x", "null", "[]", #"{"keys":{}}"#, #"{"jwks":[]}"#, #"{"keys":null}"#, #"{"keys":[1]}"#,
        #"{"keys":["canary"]}"#,
        #"{"keys":[{"kid":"a","k":"canary","k":"canary"}]}"#, #"{"keys":[{"kid":"a","k":"canary"#,
    ])
    func textOtherThanAKeySetIsRefusedWithoutQuotingIt(_ text: String) throws {
        let error = #expect(throws: KeySetError.self) { try read(text) }
        #expect(try !#require(error).description.contains("canary"))
    }
}
