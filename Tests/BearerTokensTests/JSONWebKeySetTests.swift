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

    private func read(_ text: String) throws(KeySetError) -> [VerificationKey] { try KeySet.keys(jsonWebKeySet: Array(text.utf8)) }

    @Test func generatedSetHasItsKeysInOrder() throws {
        let keys = try KeySet.keys(jsonWebKeySet: try VectorFile("jwks.json").bytes())
        #expect(keys.map(\.description) == ["HS256 (kid hs)", "RS256 (kid rs)", "ES256 (kid es)", "ES256 (kid es2)", "EdDSA (kid ed)"])
    }

    @Test(arguments: [
        Row("no alg", #""kty":"oct","k":"\#(secret)""#), Row("alg none", #""kty":"oct","alg":"none","k":"\#(secret)""#),
        Row("alg HS384", #""kty":"oct","alg":"HS384","k":"\#(secret)""#), Row("alg a number", #""kty":"oct","alg":1,"k":"\#(secret)""#),
        Row("no kty", #""alg":"HS256","k":"\#(secret)""#), Row("kty of another algorithm", #""kty":"RSA","alg":"HS256","k":"\#(secret)""#),
        Row("no k", #""kty":"oct","alg":"HS256""#), Row("k too short", #""kty":"oct","alg":"HS256","k":"\#(shortSecret)""#),
        Row("k with padding", #""kty":"oct","alg":"HS256","k":"\#(secret)=""#), Row("k empty", #""kty":"oct","alg":"HS256","k":"""#),
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
        Row("coordinate of 31 bytes", #""kty":"EC","alg":"ES256","crv":"P-256","x":"\#(shortSecret)","y":"\#(x)""#),
        Row("another curve", #""kty":"EC","alg":"ES256","crv":"P-384","x":"\#(x)","y":"\#(x)""#),
        Row("no y", #""kty":"EC","alg":"ES256","crv":"P-256","x":"\#(x)""#),
        Row("Ed25519 of 31 bytes", #""kty":"OKP","alg":"EdDSA","crv":"Ed25519","x":"\#(shortSecret)""#),
        Row("Ed448", #""kty":"OKP","alg":"EdDSA","crv":"Ed448","x":"\#(x)""#),
        Row("EdDSA with kty EC", #""kty":"EC","alg":"EdDSA","crv":"Ed25519","x":"\#(x)""#),
    ])
    func refusedKeyIsNamedAndItsBytesAreNot(_ row: Row<String>) throws {
        let good = #"{"kid":"good","kty":"oct","alg":"HS256","k":"\#(Self.secret)"}"#
        let error = #expect(throws: KeySetError.self) { try read(#"{"keys":[\#(good),{"kid":"the-bad-one",\#(row.value)}]}"#) }
        let message = try #require(error).description
        #expect(message.contains("the-bad-one") && !message.contains("\n"))
        // 0xC4 in a row reads "xMTE" in base64url, "C4" or "196" otherwise.
        for trace in ["xMTE", "C4C4", "c4c4", "196"] { #expect(!message.contains(trace), "\(message)") }
    }

    @Test func good2048BitModulusAndLeadingZeroAreRead() throws {
        _ = try read(#"{"keys":[{"kid":"a","kty":"RSA","alg":"RS256","n":"\#(Self.modulus2048)","e":"AQAB"}]}"#)
        let padded = Base64URL.encode([0] + [UInt8](repeating: 0xC4, count: 255) + [1])
        _ = try read(#"{"keys":[{"kid":"a","kty":"RSA","alg":"RS256","n":"\#(padded)","e":"Aw"}]}"#)
    }

    @Test(arguments: [
        Row("no kid", ""), Row("kid empty", #""kid":"","#), Row("kid a number", #""kid":7,"#), Row("kid null", #""kid":null,"#),
    ])
    func keyWithoutNameIsNamedByItsPosition(_ row: Row<String>) {
        let good = #"{"kid":"good","kty":"oct","alg":"HS256","k":"\#(Self.secret)"}"#
        #expect(throws: KeySetError("key 2 has no kid")) {
            try read(#"{"keys":[\#(good),{\#(row.value)"kty":"oct","alg":"HS256","k":"\#(Self.secret)"}]}"#)
        }
    }

    @Test(arguments: [
        "", "x", "null", "[]", "{}", #"{"keys":[]}"#, #"{"keys":{}}"#, #"{"keys":null}"#, #"{"keys":[1]}"#, #"{"keys":["canary"]}"#,
        #"{"keys":[{"kid":"a","k":"canary","k":"canary"}]}"#, #"{"keys":[{"kid":"a","k":"canary"#,
    ])
    func textThatIsNoKeySetIsRefusedWithoutQuotingIt(_ text: String) throws {
        let error = #expect(throws: KeySetError.self) { try read(text) }
        #expect(try !#require(error).description.contains("canary"))
    }
}
