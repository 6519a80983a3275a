import BearerTokens
import StreamIssuing
import TestSupport
import Testing

/// `exp`, `nbf`, `iat` (RFC 7519 §4.1.4–4.1.6, §2 "NumericDate").
@Suite struct TimeClaimsTests {
    private static let now = TestToken.now

    private func outcome(_ claims: KeyValuePairs<String, String?>, leeway: Duration = .zero) throws -> String {
        TestToken.outcome(of: try TestToken.make(claims: TestToken.claims(claims)), try TestToken.verifier(leeway: leeway))
    }

    @Test(
        arguments: [
            Row("one second left", (now + 1, "accepted")), Row("now", (now, "expired")), Row("a second ago", (now - 1, "expired")),
            Row("long ago", (0, "expired")), Row("end of year 9999", (253_402_300_799, "accepted")),
        ] as [Row<(Int64, String)>])
    func expiry(_ row: Row<(Int64, String)>) throws {
        #expect(try outcome(["exp": "\(row.value.0)"]) == row.value.1)
    }

    @Test(arguments: [
        nil, "\"1767875999\"", "1767875999.5", "1767875999.0", "1e10", "1.767875999e9", "-1", "-0.0", "null", "true", "[]", "{}",
        "253402300800", "9223372036854775807", "9223372036854775808", "1e400", "99999999999999999999999999", "01767875999",
    ])
    func expiryThatIsNoWholeSecondOfTheCalendarIsMalformed(_ expiry: String?) throws {
        #expect(try outcome(["exp": expiry]) == "malformed")
    }

    @Test(arguments: ["\"1\"", "1.5", "1e3", "-1", "null", "false", "[0]", "253402300800", "-9223372036854775808"], ["nbf", "iat"])
    func notBeforeAndIssuedAtOfAnotherTypeAreMalformed(_ value: String, _ claim: String) throws {
        #expect(try outcome([claim: value]) == "malformed")
    }

    @Test(
        arguments: [
            Row("now", (now, "accepted")), Row("past", (now - 1, "accepted")), Row("in a second", (now + 1, "not_yet_valid")),
            Row("far future", (253_402_300_799, "not_yet_valid")), Row("epoch", (0, "accepted")),
        ] as [Row<(Int64, String)>])
    func notBefore(_ row: Row<(Int64, String)>) throws {
        #expect(try outcome(["nbf": "\(row.value.0)"]) == row.value.1)
    }

    @Test func leewayMovesBothEndsByItsSeconds() throws {
        let leeway = Duration.seconds(30)
        #expect(try outcome(["exp": "\(Self.now - 29)"], leeway: leeway) == "accepted")
        #expect(try outcome(["exp": "\(Self.now - 30)"], leeway: leeway) == "expired")
        #expect(try outcome(["nbf": "\(Self.now + 30)"], leeway: leeway) == "accepted")
        #expect(try outcome(["nbf": "\(Self.now + 31)"], leeway: leeway) == "not_yet_valid")
    }

    @Test func expiredAndNotYetValidTokenIsExpired() throws {
        #expect(try outcome(["exp": "\(Self.now - 1)", "nbf": "\(Self.now + 1)"]) == "expired")
    }

    @Test func issuedAtIsHandedOnAndNotJudged() throws {
        for issuedAt in [0, Self.now, Self.now + 3600] {
            let token = try TestToken.make(claims: TestToken.claims(["iat": "\(issuedAt)"]))
            let listener = try TestToken.verifier().verify(authorization: "Bearer \(token)")
            #expect(listener.tokenIssuedAt == UnixTime(seconds: issuedAt))
        }
        let token = try TestToken.make(claims: TestToken.claims(["iat": nil]))
        #expect(try TestToken.verifier().verify(authorization: "Bearer \(token)").tokenIssuedAt == nil)
    }

    @Test func wrongTimesAreToldOnlyOfTokensThatAreForThisService() throws {
        #expect(try outcome(["exp": "1", "iss": "\"other\""]) == "wrong_issuer")
        #expect(try outcome(["exp": "1", "aud": "\"other\""]) == "wrong_audience")
        #expect(try outcome(["exp": "1", "sub": "\"other\""]) == "bad_subject")
    }
}
