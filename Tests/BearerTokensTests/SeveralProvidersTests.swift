@testable import BearerTokens
import Cryptography
import TestSupport
import Testing

/// Several providers: the key that verifies a token decides whose it is.
@Suite struct SeveralProvidersTests {
    private func provider(_ issuer: String, kid: String?, secret: UInt8) throws -> TokenProvider {
        let key = try VerificationKey(sharedSecret: SymmetricKey([UInt8](repeating: secret, count: 32)), id: kid)
        return TokenProvider(
            keys: try KeySet([key]),
            requirements: ClaimRequirements(issuers: [issuer], audiences: ["novatune-stream"]))
    }

    private func outcome(
        _ providers: [TokenProvider], issuer: String, kid: String?, secret: UInt8
    ) throws -> String {
        let header = kid.map { #"{"alg":"HS256","kid":"\#($0)"}"# } ?? #"{"alg":"HS256"}"#
        let claims = TestToken.claims(["iss": "\"\(issuer)\""])
        let input = Base64URL.encode(header.utf8) + "." + Base64URL.encode(claims.utf8)
        let key = try HMACSHA256(key: [UInt8](repeating: secret, count: 32).span)
        let token = input + "." + Base64URL.encode(key.authenticationCode(for: input.utf8.span).bytes)
        let verifier = TokenVerifier(
            AcceptedTokens(providers: providers), tokenCache: TokenCache(), clock: SettableWallClock(TestToken.now))
        return TestToken.outcome(of: token, verifier)
    }

    /// With names of their own, with the same one, and without names.
    @Test(arguments: [["a", "b"], ["k", "k"], [nil, nil]] as [[String?]])
    func keysOfOneProviderNeverCountForAnother(_ kids: [String?]) throws {
        let both = [
            try provider("https://a.example", kid: kids[0], secret: 1),
            try provider("https://b.example", kid: kids[1], secret: 2),
        ]
        #expect(try outcome(both, issuer: "https://a.example", kid: kids[0], secret: 1) == "accepted")
        #expect(try outcome(both, issuer: "https://b.example", kid: kids[1], secret: 2) == "accepted")
        #expect(try outcome(both, issuer: "https://b.example", kid: kids[0], secret: 1) == "wrong_issuer")
        #expect(try outcome(both, issuer: "https://a.example", kid: kids[1], secret: 2) == "wrong_issuer")
        #expect(try outcome(both, issuer: "https://a.example", kid: kids[0], secret: 3) == "bad_signature")
        #expect(try outcome(both, issuer: "https://a.example", kid: "c", secret: 1) == "unknown_key")
    }

    @Test func oneProviderMayHaveSeveralIssuersAndAudiences() throws {
        let verifier = try TestToken.verifier(
            requirements: ClaimRequirements(issuers: ["x", "y"], audiences: ["p", "q"], clients: ["c"]))
        func outcome(_ changes: KeyValuePairs<String, String?>) throws -> String {
            TestToken.outcome(of: try TestToken.make(claims: TestToken.claims(changes)), verifier)
        }
        #expect(try outcome(["iss": "\"y\"", "aud": "\"q\""]) == "accepted")
        #expect(try outcome(["iss": "\"z\"", "aud": "\"q\""]) == "wrong_issuer")
        #expect(try outcome(["iss": "\"x\"", "aud": "\"r\""]) == "wrong_audience")
        // The client counts for a token without audience alone.
        #expect(try outcome(["iss": "\"x\"", "aud": "\"r\"", "azp": "\"c\""]) == "wrong_audience")
        #expect(try outcome(["iss": "\"x\"", "aud": nil, "azp": "\"c\""]) == "accepted")
        #expect(try outcome(["iss": "\"x\"", "aud": "[]", "client_id": "\"c\""]) == "accepted")
        #expect(try outcome(["iss": "\"x\"", "aud": nil, "client_id": "\"d\"", "azp": "\"c\""]) == "wrong_audience")
        #expect(try outcome(["iss": "\"x\"", "aud": nil]) == "wrong_audience")
    }

    @Test func listOfProvidersIsRead() throws {
        let secret = String(repeating: "s", count: 32)
        let text = #"""
            [{"issuer":"https://a.example","audience":["x","y"],"hs256_secret":"\#(secret)"},
             {"issuer":["https://b.example"],"clients":"c","user_claim":"oid","roles_claim":"/a/b",
              "listener_role":"none","keys":{"keys":[{"kid":"k","kty":"oct","alg":"HS256","k":"\#(secret)sssssssssss"}]}}]
            """#
        let providers = try DeclaredProvider.list(Array(text.utf8))
        #expect(
            providers.map(\.requirements) == [
                ClaimRequirements(issuers: ["https://a.example"], audiences: ["x", "y"]),
                ClaimRequirements(
                    issuers: ["https://b.example"], audiences: [], clients: ["c"],
                    userClaim: try #require(ClaimPath("oid")), rolesClaim: try #require(ClaimPath("/a/b")),
                    listeners: .all),
            ])
        let declared = DeclaredTokens(providers: providers, algorithms: SignatureAlgorithm.usual, leeway: .zero)
        let keys = try declared.accepted([:]).providers.map { $0.keys.keys[0].description }
        #expect(keys == ["HS256", "HS256 (kid k)"])
    }

    /// Two tenants of one provider publish the same keys: the issuer decides.
    @Test func issuerDecidesBetweenProvidersWithTheSameKeys() throws {
        let keys = try KeySet([try VerificationKey(sharedSecret: TestToken.secret)])
        let second = ClaimRequirements(issuers: ["https://second.example"], audiences: ["novatune-stream"])
        let verifier = TokenVerifier(
            AcceptedTokens(providers: [
                TokenProvider(keys: keys, requirements: TestToken.requirements),
                TokenProvider(keys: keys, requirements: second),
            ]), tokenCache: TokenCache(), clock: SettableWallClock(TestToken.now))
        func outcome(_ issuer: String) throws -> String {
            TestToken.outcome(of: try TestToken.make(claims: TestToken.claims(["iss": "\"\(issuer)\""])), verifier)
        }
        #expect(try outcome("https://id.example.com") == "accepted")
        #expect(try outcome("https://second.example") == "accepted")
        #expect(try outcome("https://third.example") == "wrong_issuer")
    }

    @Test(arguments: [
        Row(#"{"alg":"ES256","kid":"new"}"#, true), Row(#"{"alg":"ES256"}"#, false),
        Row(#"{"alg":"HS256","kid":"new"}"#, false), Row(#"{"alg":"PS256","kid":"new"}"#, false),
        Row(#"{"alg":"none","kid":"new"}"#, false),
    ])
    func keyMayBePublishedWhereItsNameAndAlgorithmAreAProviders(_ row: Row<Bool>) throws {
        let keys = try KeySet([try VerificationKey(sharedSecret: TestToken.secret)])
        let accepted = AcceptedTokens(
            providers: [TokenProvider(keys: keys, requirements: TestToken.requirements)],
            fetchedAlgorithms: SignatureAlgorithm.usual)
        let verifier = TokenVerifier(accepted, tokenCache: TokenCache(), clock: SettableWallClock(TestToken.now))
        #expect(TestToken.outcome(of: try TestToken.make(header: row.name), verifier) == "unknown_key")
        #expect(verifier.unknownKeyMayBePublished == row.value)
        #expect(TestToken.outcome(of: "garbage", verifier) == "malformed" && !verifier.unknownKeyMayBePublished)
    }

    /// Keys that were fetched for one provider are the other's neither.
    @Test func keysComeFromWhereTheListSays() throws {
        let text = #"""
            [{"issuer":"https://a.example","audience":"x","keys_url":"https://a.example/keys","keys_ca_file":"/ca.pem"},
             {"issuer":"https://b.example","audience":"x","discovery":true},
             {"issuer":"https://c.example","audience":"x","discovery":false,"keys_url":"https://c.example/keys"}]
            """#
        let declared = DeclaredTokens(
            providers: try DeclaredProvider.list(Array(text.utf8)), algorithms: SignatureAlgorithm.usual, leeway: .zero)
        let locations = [
            try KeyLocation(.keys("https://a.example/keys"), certificateAuthorities: "/ca.pem"),
            try KeyLocation(.discovery(issuer: "https://b.example")), try KeyLocation(.keys("https://c.example/keys")),
        ]
        #expect(declared.locations == locations)
        let key = #"{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#
        let fetched = try PublishedKeys(jsonWebKeySet: Array(#"{"keys":[\#(key)]}"#.utf8))
        #expect(try declared.accepted([:]).providers.isEmpty)
        let accepted = try declared.accepted([locations[1]: fetched])
        #expect(accepted.providers.map(\.requirements.issuers) == [["https://b.example"]])
    }

    @Test(arguments: [
        Row("", "not JSON"), Row("{}", "not a JSON list"), Row("[]", "not a JSON list"),
        Row("[1]", "provider 1 is not an object"), Row("[{}]", "provider 1: issuer is required"),
        Row(#"[{"issuer":"canary"}]"#, "provider 1: audience or clients is required"),
        Row(#"[{"issuer":"canary","audience":"canary"}]"#, "keys, keys_url, discovery or hs256_secret is required"),
        Row(
            #"[{"issuer":"i","audience":"a","keys_url":"http://h.example/"}]"#,
            "provider 1: keys_url: http is for this host"),
        Row(#"[{"issuer":"i","audience":"a","discovery":true}]"#, "provider 1: issuer: not https://"),
        Row(#"[{"issuer":"i","audience":"a","discovery":"on"}]"#, "provider 1: discovery is not true or false"),
        Row(#"[{"issuer":"https://i","audience":"a","discovery":true,"keys_url":"https://i"}]"#, "replace one another"),
        Row(#"[{"issuer":"i","audience":[1],"hs256_secret":"canary"}]"#, "provider 1: audience is not a list of texts"),
        Row(#"[{"issuer":"i","audience":"a","hs256_secret":"canary"}]"#, "at least 32 bytes"),
        Row(#"[{"issuer":"i","audience":"a","keys":{"keys":[]}}]"#, "publishes no signing key"),
        Row(#"[{"issuer":"i","audience":"a","canary":"x"}]"#, "a member is none of issuer, audience"),
    ])
    func badListIsRefusedWithoutItsValues(_ row: Row<String>) throws {
        let error = #expect(throws: KeySetError.self) { try DeclaredProvider.list(Array(row.name.utf8)) }
        let message = try #require(error).description
        #expect(message.contains(row.value) && !message.contains("canary"))
    }
}
