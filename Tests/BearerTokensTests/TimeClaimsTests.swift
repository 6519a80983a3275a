import BearerTokens
import StreamIssuing
import TestSupport
import Testing

/// `exp`, `nbf`, `iat` (RFC 7519 §4.1.4–4.1.6, §2 "NumericDate").
@Suite struct TimeClaimsTests {
    private static let now = TestToken.now

    private func outcome(_ claims: KeyValuePairs<String, String?>, leeway: Duration = .zero) throws -> String {
        TestToken.outcome(
            of: try TestToken.make(claims: TestToken.claims(claims)), try TestToken.verifier(leeway: leeway))
    }

    @Test(
        arguments: [
            Row("one second left", (now + 1, "accepted")), Row("now", (now, "expired")),
            Row("a second ago", (now - 1, "expired")),
            Row("long ago", (0, "expired")), Row("end of year 9999", (253_402_300_799, "accepted")),
        ] as [Row<(Int64, String)>])
    func expiry(_ row: Row<(Int64, String)>) throws {
        #expect(try outcome(["exp": "\(row.value.0)"]) == row.value.1)
    }

    @Test(arguments: [
        nil, "\"1767875999\"", "-1", "-0.5", "null", "true", "[]", "{}", "253402300800", "253402300800.5", "1e12",
        "9223372036854775807", "9223372036854775808", "1e400", "99999999999999999999999999",
        "01767875999",
    ])
    func expiryOtherThanASecondOfTheCalendarIsMalformed(_ expiry: String?) throws {
        #expect(try outcome(["exp": expiry]) == "malformed")
    }

    @Test(
        arguments: ["\"1\"", "-1.5", "1e400", "-1", "null", "false", "[0]", "253402300800", "-9223372036854775808"],
        ["nbf", "iat"])
    func notBeforeAndIssuedAtOfAnotherTypeAreMalformed(_ value: String, _ claim: String) throws {
        #expect(try outcome([claim: value]) == "malformed")
    }

    @Test(
        arguments: [
            Row("now", (now, "accepted")), Row("past", (now - 1, "accepted")),
            Row("in a second", (now + 1, "not_yet_valid")),
            Row("far future", (253_402_300_799, "not_yet_valid")), Row("epoch", (0, "accepted")),
        ] as [Row<(Int64, String)>])
    func notBefore(_ row: Row<(Int64, String)>) throws {
        #expect(try outcome(["nbf": "\(row.value.0)"]) == row.value.1)
    }

    /// RFC 7519 §2 allows fractions; the second that has begun counts.
    @Test(
        arguments: [
            Row("exp in a fraction", ("exp", "\(now).5", "expired")),
            Row("exp in more than a second", ("exp", "\(now + 1).25", "accepted")),
            Row("exp with an exponent", ("exp", "1.8e9", "accepted")), Row("exp of zero", ("exp", "-0.0", "expired")),
            Row("nbf of this second", ("nbf", "\(now).99", "accepted")),
            Row("nbf of the next second", ("nbf", "\(now + 1).01", "not_yet_valid")),
            Row("iat with an exponent", ("iat", "1.688117968E9", "accepted")),
        ] as [Row<(String, String, String)>])
    func fractionIsCut(_ row: Row<(String, String, String)>) throws {
        let token = try TestToken.make(claims: TestToken.claims([row.value.0: row.value.1]))
        #expect(TestToken.outcome(of: token, try TestToken.verifier()) == row.value.2)
    }

    @Test func leewayMovesBothEndsByItsSeconds() throws {
        let leeway = Duration.seconds(30)
        #expect(try outcome(["exp": "\(Self.now - 29)"], leeway: leeway) == "accepted")
        #expect(try outcome(["exp": "\(Self.now - 30)"], leeway: leeway) == "expired")
        #expect(try outcome(["nbf": "\(Self.now + 30)"], leeway: leeway) == "accepted")
        #expect(try outcome(["nbf": "\(Self.now + 31)"], leeway: leeway) == "not_yet_valid")
    }

    /// Both clocks are cut to whole seconds, so that one more may be rounding.
    @Test(
        arguments: [
            Row("long ago", (0, 0, "accepted")), Row("now", (0, now, "accepted")),
            Row("in a second", (0, now + 1, "accepted")), Row("in two seconds", (0, now + 2, "issued_in_future")),
            Row("in an hour", (0, now + 3600, "issued_in_future")),
            Row("ahead by the leeway", (5, now + 5, "accepted")),
            Row("and by a second more", (5, now + 6, "accepted")),
            Row("further ahead", (5, now + 7, "issued_in_future")),
            Row("in an hour, with the longest leeway", (300, now + 3600, "issued_in_future")),
            Row("end of year 9999", (300, 253_402_300_799, "issued_in_future")),
        ] as [Row<(Int64, Int64, String)>])
    func tokenFromTheFutureIsRefusedBeyondTheLeeway(_ row: Row<(Int64, Int64, String)>) throws {
        let (leeway, issuedAt, expected) = row.value
        #expect(try outcome(["iat": "\(issuedAt)"], leeway: .seconds(leeway)) == expected)
    }

    @Test func tokenFromTheFutureIsAcceptedWhenItsTimeHasCome() throws {
        let clock = SettableWallClock(Self.now)
        let verifier = try TestToken.verifier(clock: clock)
        let token = try TestToken.make(claims: TestToken.claims(["iat": "\(Self.now + 60)"]))
        #expect(TestToken.outcome(of: token, verifier) == "issued_in_future")
        clock.set(Self.now + 60)
        #expect(TestToken.outcome(of: token, verifier) == "accepted")
    }

    @Test func rememberedTokenIsRefusedWhereTheClockWasSetBack() throws {
        let clock = SettableWallClock(Self.now)
        let verifier = try TestToken.verifier(clock: clock)
        let token = try TestToken.make(claims: TestToken.claims(["iat": "\(Self.now)"]))
        #expect(TestToken.outcome(of: token, verifier) == "accepted")
        clock.set(Self.now - 60)
        #expect(TestToken.outcome(of: token, verifier) == "issued_in_future")
    }

    @Test func tokenIsFirstSeenOnceWhileItIsRemembered() throws {
        let verifier = try TestToken.verifier()
        let header = "Bearer \(try TestToken.make())"
        let (first, second) = (try verifier.verify(authorization: header), try verifier.verify(authorization: header))
        #expect(first.tokenHistory != nil && first.tokenHistory === second.tokenHistory)
    }

    @Test func expiredAndNotYetValidTokenIsExpired() throws {
        #expect(try outcome(["exp": "\(Self.now - 1)", "nbf": "\(Self.now + 1)"]) == "expired")
    }

    @Test func issuedAtIsReturned() throws {
        for issuedAt in [0, Self.now - 3600, Self.now] {
            let token = try TestToken.make(claims: TestToken.claims(["iat": "\(issuedAt)"]))
            let listener = try TestToken.verifier().verify(authorization: "Bearer \(token)")
            #expect(listener.tokenIssuedAt == UnixTime(seconds: issuedAt))
        }
        let token = try TestToken.make(claims: TestToken.claims(["iat": nil]))
        #expect(try TestToken.verifier().verify(authorization: "Bearer \(token)").tokenIssuedAt == nil)
    }

    @Test func expiredTokenOfAnotherServiceIsNotReportedAsExpired() throws {
        #expect(try outcome(["exp": "1", "iss": "\"other\""]) == "wrong_issuer")
        #expect(try outcome(["exp": "1", "aud": "\"other\""]) == "wrong_audience")
        #expect(try outcome(["exp": "1", "iss": "\"x\"", "sub": "\"other\""]) == "wrong_issuer")
    }
}
