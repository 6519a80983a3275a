import BearerTokens
import Testing

/// RFC 7515 §4, on tokens whose signature is good.
@Suite struct TokenHeaderTests {
    @Test(arguments: [
        #"{"alg":"HS256"}"#, #"{"alg":"HS256","typ":"JWT"}"#, #" { "alg" : "HS256" } "#,
        #"{"typ":"x","alg":"\u0048S256"}"#, #"{"alg":"HS256","typ":"at+jwt"}"#, #"{"alg":"HS256","typ":"AT+JWT"}"#,
        #"{"alg":"HS256","typ":"application/at+jwt"}"#, #"{"alg":"HS256","typ":"application/okta-internal-at+jwt"}"#,
        #"{"alg":"HS256","x":[1,{"y":null}]}"#, #"{"alg":"HS256","ALG":"none"}"#,
    ])
    func headerThatNamesTheAlgorithmIsAccepted(_ header: String) throws {
        #expect(try outcome(header) == "accepted")
    }

    @Test(arguments: [
        "", "null", "[]", #""HS256""#, "1", "{}", "{", #"{"alg":"HS256"}x"#, #"{"alg":"HS256",}"#, #"{'alg':'HS256'}"#,
        #"{"alg":"HS256"}{"alg":"none"}"#, #"{"alg":"none","alg":"HS256"}"#, #"{"alg":"HS256","alg":"HS256"}"#,
        #"{"alg":"HS256","\u0061lg":"none"}"#, #"{"alg":"HS256","kid":"a","kid":"b"}"#, #"{"alg":"HS256","x":1,"x":1}"#,
        #"{"alg":"HS256","x":{"y":1,"y":1}}"#, #"{"alg":["HS256"]}"#, #"{"alg":"HS256","typ":["JWT"]}"#,
        #"{"alg":"HS256","kid":["x"]}"#,
        #"{"alg":"HS256","x":"\ud800"}"#, "\u{FEFF}{\"alg\":\"HS256\"}", "{\"alg\":\"HS256\",\"x\":\"\u{1}\"}",
    ])
    func headerOtherThanAPlainObjectIsMalformed(_ header: String) throws {
        #expect(try outcome(header) == "malformed")
    }

    @Test func headerWithInvalidUTF8IsMalformed() throws {
        let header = Array(#"{"alg":"HS256","x":""#.utf8) + [0xC0, 0xAF] + Array("\"}".utf8)
        let token = try TestToken.make(header: header, claims: Array(TestToken.claims().utf8))
        #expect(TestToken.outcome(of: token, try TestToken.verifier()) == "malformed")
    }

    @Test(
        arguments: ["crit", "b64", "zip", "enc"],
        ["null", "true", "\"x\"", "[]", "{}", "[\"exp\"]"])
    func headerThatChangesHowTheTokenIsReadIsForbidden(_ parameter: String, _ value: String) throws {
        #expect(try outcome("{\"alg\":\"HS256\",\"\(parameter)\":\(value)}") == "forbidden_header")
    }

    /// Some providers send one always (UAA: `jku`).
    @Test(
        arguments: ["jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "nonce"], ["null", "\"https://h/k\"", "[]", "{}"])
    func parameterThatNamesAKeyIsIgnored(_ parameter: String, _ value: String) throws {
        #expect(try outcome("{\"alg\":\"HS256\",\"\(parameter)\":\(value)}") == "accepted")
    }

    /// RFC 8725 §3.11.
    @Test(arguments: ["logout+jwt", "secevent+jwt", "dpop+jwt", "application/LOGOUT+jwt", "token-introspection+jwt"])
    func tokenOfAnotherTypeIsRefused(_ type: String) throws {
        #expect(try outcome(#"{"alg":"HS256","typ":"\#(type)"}"#) == "wrong_type")
    }

    @Test(arguments: ["\"x\"", "\"\""])
    func keyWithoutKidIsNotUsedForATokenWithOne(_ kid: String) throws {
        #expect(try outcome("{\"alg\":\"HS256\",\"kid\":\(kid)}") == "unknown_key")
    }

    private func outcome(_ header: String) throws -> String {
        TestToken.outcome(of: try TestToken.make(header: header), try TestToken.verifier())
    }
}
