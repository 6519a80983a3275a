import BearerTokens
import StreamIssuing
import TestSupport
import Testing

/// RFC 7519 §4.1 and the claim `roles`, on tokens whose signature is good.
@Suite struct ClaimsTests {
    private func outcome(_ claims: String) throws -> String {
        TestToken.outcome(of: try TestToken.make(claims: claims), try TestToken.verifier())
    }

    private func listener(_ claims: String) throws -> Listener {
        try TestToken.verifier().verify(authorization: "Bearer \(try TestToken.make(claims: claims))")
    }

    @Test(
        arguments: [
            Row("absent", (nil, "wrong_audience")), Row("string", ("\"novatune-stream\"", "accepted")),
            Row("array of one", ("[\"novatune-stream\"]", "accepted")),
            Row("array with others", ("[\"a\",\"novatune-stream\",\"b\"]", "accepted")),
            Row("empty array", ("[]", "wrong_audience")), Row("other string", ("\"other\"", "wrong_audience")),
            Row("other strings", ("[\"a\",\"b\"]", "wrong_audience")), Row("empty string", ("\"\"", "wrong_audience")),
            Row("longer", ("\"novatune-stream2\"", "wrong_audience")),
            Row("shorter", ("\"novatune\"", "wrong_audience")),
            Row("upper case", ("\"NOVATUNE-STREAM\"", "wrong_audience")),
            Row("array of a number", ("[1]", "malformed")),
            Row("array with a number", ("[\"novatune-stream\",1]", "malformed")),
            Row("array with null", ("[\"novatune-stream\",null]", "malformed")),
            Row("nested array", ("[[\"novatune-stream\"]]", "malformed")),
            Row("object", ("{\"novatune-stream\":true}", "malformed")),
            Row("number", ("1", "malformed")), Row("null", ("null", "malformed")), Row("true", ("true", "malformed")),
        ] as [Row<(String?, String)>])
    func audience(_ row: Row<(String?, String)>) throws {
        #expect(try outcome(TestToken.claims(["aud": row.value.0])) == row.value.1)
    }

    @Test(
        arguments: [
            Row("absent", (nil, "malformed")), Row("other", ("\"https://evil.example.com\"", "wrong_issuer")),
            Row("trailing slash", ("\"https://id.example.com/\"", "wrong_issuer")),
            Row("empty", ("\"\"", "wrong_issuer")),
            Row("upper case", ("\"HTTPS://ID.EXAMPLE.COM\"", "wrong_issuer")),
            Row("array", ("[\"https://id.example.com\"]", "malformed")),
            Row("number", ("1", "malformed")), Row("null", ("null", "malformed")),
            Row("escaped but the same", ("\"https:\\/\\/id.example.com\"", "accepted")),
            Row("zero byte", ("\"https://id.example.com\\u0000\"", "wrong_issuer")),
        ] as [Row<(String?, String)>])
    func issuer(_ row: Row<(String?, String)>) throws {
        #expect(try outcome(TestToken.claims(["iss": row.value.0])) == row.value.1)
    }

    @Test func issuerAndAudienceAreComparedByteByByte() throws {
        let verifier = try TestToken.verifier(
            requirements: ClaimRequirements(issuers: ["caf\u{E9}"], audiences: ["th\u{E9}"]))
        func outcome(_ issuer: String, _ audience: String) throws -> String {
            let claims = TestToken.claims(["iss": "\"\(issuer)\"", "aud": "\"\(audience)\""])
            return TestToken.outcome(of: try TestToken.make(claims: claims), verifier)
        }
        #expect(try outcome("caf\u{E9}", "th\u{E9}") == "accepted")
        #expect(try outcome("cafe\u{301}", "th\u{E9}") == "wrong_issuer")
        #expect(try outcome("caf\u{E9}", "the\u{301}") == "wrong_audience")
    }

    @Test(
        arguments: [
            Row("absent", (nil, "no_user")), Row("null", ("null", "no_user")), Row("true", ("true", "no_user")),
            Row("array", ("[\"01HXK5Z8J3QW9R7N2M4P6T8V0B\"]", "no_user")), Row("empty", ("\"\"", "no_user")),
            Row("fraction", ("1.5", "no_user")), Row("control character", ("\"a\\u0000b\"", "no_user")),
            Row("256 bytes", ("\"\(String(repeating: "x", count: 256))\"", "no_user")),
            Row("255 bytes", ("\"\(String(repeating: "x", count: 255))\"", "accepted")),
            Row("number", ("17", "accepted")), Row("UUID", ("\"018fa65f-4a43-bf12-7c2a-42268da46c0b\"", "accepted")),
            Row("lower case", ("\"01hxk5z8j3qw9r7n2m4p6t8v0b\"", "accepted")),
        ] as [Row<(String?, String)>])
    func subject(_ row: Row<(String?, String)>) throws {
        #expect(try outcome(TestToken.claims(["sub": row.value.0])) == row.value.1)
    }

    @Test func lowerCaseSubjectIsTheSameUser() throws {
        let lower = try listener(TestToken.claims(["sub": "\"\(TestToken.subject.lowercased())\""]))
        #expect(lower.user == .id(try #require(ULID(TestToken.subject))))
        #expect(lower.user.userID?.description == TestToken.subject)
    }

    @Test(
        arguments: [
            Row("array", ("[\"listener\"]", true)), Row("string", ("\"listener\"", true)),
            Row("mixed case", ("[\"LiStEnEr\"]", true)),
            Row("string in upper case", ("\"LISTENER\"", true)),
            Row("among others", ("[\"admin\",\"listener\"]", true)),
            Row("absent", (nil, false)), Row("empty array", ("[]", false)), Row("empty string", ("\"\"", false)),
            Row("another", ("[\"admin\"]", false)), Row("longer", ("[\"listeners\"]", false)),
            Row("with a space", ("[\"listener \"]", false)),
            Row("space separated", ("\"admin listener\"", true)), Row("null", ("null", false)),
            Row("keys of a map", ("{\"admin\":[],\"Listener\":{\"x\":1}}", true)), Row("empty map", ("{}", false)),
            Row("value of a map", ("{\"x\":\"listener\"}", false)), Row("dotless i", ("[\"l\u{131}stener\"]", false)),
            Row("dotted I", ("[\"L\u{130}STENER\"]", false)), Row("long s", ("[\"li\u{17F}tener\"]", false)),
        ] as [Row<(String?, Bool)>])
    func roles(_ row: Row<(String?, Bool)>) throws {
        #expect(try listener(TestToken.claims(["roles": row.value.0])).holdsListenerRole == row.value.1)
    }

    @Test(arguments: [
        "1", "true", "[1]", "[\"listener\",null]", "[[\"listener\"]]",
    ])
    func rolesOfAnotherTypeAreMalformed(_ roles: String) throws {
        #expect(try outcome(TestToken.claims(["roles": roles])) == "malformed")
    }

    @Test func otherClaimsAreIgnored() throws {
        #expect(
            try outcome(TestToken.claims(["role": "\"listener\"", "scope": "\"x\"", "jti": "1.5e3", "nonce": "null"]))
                == "accepted")
        #expect(
            try !listener(TestToken.claims(["roles": nil, "role": "\"listener\"", "Roles": "\"listener\""]))
                .holdsListenerRole)
    }

    @Test(arguments: [
        "", "null", "[]", "\"x\"", "1", "{", "{}x", "{} {}",
        #"{"iss":"https://id.example.com","iss":"https://id.example.com"}"#, #"{"x":1,"x":1}"#,
    ])
    func claimsOtherThanAPlainObjectAreMalformed(_ claims: String) throws {
        #expect(try outcome(claims) == "malformed")
    }

    @Test func repeatedClaimIsMalformed() throws {
        let good = TestToken.claims()
        #expect(try outcome(good) == "accepted")
        for repeated in [
            #""sub":"01HXK5Z8J3QW9R7N2M4P6T8V0C""#, #""exp":9999999999"#, #""\u0073ub":"x""#, #""roles":"listener""#,
        ] {
            #expect(try outcome(good.dropLast() + ",\(repeated)}") == "malformed")
        }
    }
}
