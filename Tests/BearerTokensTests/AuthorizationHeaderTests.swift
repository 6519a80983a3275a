import BearerTokens
import TestSupport
import Testing

/// RFC 6750 §2.1, RFC 9110 §11.1.
@Suite struct AuthorizationHeaderTests {
    @Test(arguments: ["Bearer ", "bearer ", "BEARER ", "bEaReR ", "Bearer  ", "Bearer     "])
    func schemeInAnyCaseAndSpacesAreAccepted(_ start: String) throws {
        #expect(TestToken.outcome(ofHeader: start + (try TestToken.make()), try TestToken.verifier()) == "accepted")
    }

    @Test(arguments: [
        nil, "", " ", "Bearer", "Bearer ", "Bearer   ", "Basic dXNlcjpwYXNz", "Digest x", "Token abc", "B", "Beare",
        "null", "\u{0}",
    ])
    func headerWithoutABearerTokenIsMissing(_ header: String?) throws {
        #expect(TestToken.outcome(ofHeader: header, try TestToken.verifier()) == "missing")
    }

    @Test func tokenWithoutSchemeIsMissing() throws {
        let token = try TestToken.make()
        #expect(TestToken.outcome(ofHeader: token, try TestToken.verifier()) == "missing")
        #expect(TestToken.outcome(ofHeader: " Bearer \(token)", try TestToken.verifier()) == "missing")
        #expect(TestToken.outcome(ofHeader: "Basic \(token)", try TestToken.verifier()) == "missing")
    }

    @Test(arguments: ["Bearer\t", "Bearer:", "Bearer=", "BearerX ", "Bearer,", "Bearer\u{A0}"])
    func schemeEndedByAnythingButASpaceIsMalformed(_ start: String) throws {
        #expect(TestToken.outcome(ofHeader: start + (try TestToken.make()), try TestToken.verifier()) == "malformed")
    }

    @Test(arguments: [" ", "\t", "\r\n", "\n", "\u{0}", ",", ";", " x", ", Bearer x"])
    func anythingAfterTheTokenIsMalformed(_ end: String) throws {
        #expect(
            TestToken.outcome(ofHeader: "Bearer \(try TestToken.make())\(end)", try TestToken.verifier()) == "malformed"
        )
    }

    @Test func twoTokensAreMalformed() throws {
        let token = try TestToken.make()
        #expect(TestToken.outcome(ofHeader: "Bearer \(token) \(token)", try TestToken.verifier()) == "malformed")
        #expect(TestToken.outcome(ofHeader: "Bearer \(token),Bearer \(token)", try TestToken.verifier()) == "malformed")
    }
}
