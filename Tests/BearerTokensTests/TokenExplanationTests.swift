import Cryptography
import StreamIssuing
import TestSupport
import Testing

@testable import BearerTokens

@Suite struct TokenExplanationTests {
    private static let other = SymmetricKey(Array("fedcba9876543210fedcba9876543210".utf8))

    private func accepted(_ requirements: ClaimRequirements = TestToken.requirements) throws -> AcceptedTokens {
        let keys = try KeySet([try VerificationKey(sharedSecret: TestToken.secret)])
        return AcceptedTokens(providers: [TokenProvider(keys: keys, requirements: requirements)])
    }

    private func explain(
        _ token: String, _ requirements: ClaimRequirements = TestToken.requirements
    ) throws -> TokenExplanation {
        TokenExplanation(Array(token.utf8), try accepted(requirements), at: UnixTime(seconds: TestToken.now))
    }

    private func failed(_ explanation: TokenExplanation) -> [String] {
        explanation.steps.filter { $0.verdict == .failed }.map { "\($0.check): \($0.detail)" }
    }

    @Test func acceptedTokenPassesEachCheck() throws {
        let explanation = try explain(TestToken.make())
        #expect(explanation.rejection == nil)
        #expect(
            explanation.steps.map(\.check) == [
                "length", "form", "key", "signature", "issuer", "audience", "times", "user", "role", "session",
            ])
        #expect(explanation.steps.dropLast().allSatisfy { $0.verdict == .ok })
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let rejection: TokenRejection
        let check: String
        /// What the operator needs to see.
        let names: [String]
        var header = #"{"alg":"HS256"}"#
        var claims: String
        var testDescription: String { "\(rejection) \(check)" }

        init(
            _ rejection: TokenRejection, _ check: String, _ names: [String], header: String = #"{"alg":"HS256"}"#,
            _ claims: KeyValuePairs<String, String?> = [:]
        ) {
            (self.rejection, self.check, self.names, self.header) = (rejection, check, names, header)
            self.claims = TestToken.claims(claims)
        }
    }

    @Test(arguments: [
        Case(
            .wrongIssuer, "issuer", ["https://other.example", "NOVATUNE_JWT_ISSUER", "https://id.example.com"],
            ["iss": #""https://other.example""#]),
        Case(.malformed, "issuer", ["iss is absent"], ["iss": nil]),
        Case(
            .wrongAudience, "audience", ["api", "NOVATUNE_JWT_AUDIENCE", "novatune-stream", "NOVATUNE_JWT_CLIENTS"],
            ["aud": #""api""#]),
        Case(.wrongAudience, "audience", ["aud is absent", "azp is player"], ["aud": nil, "azp": #""player""#]),
        Case(.expired, "times", ["exp 2026-", "NOVATUNE_JWT_LEEWAY", "expired"], ["exp": "\(TestToken.now - 60)"]),
        Case(.notYetValid, "times", ["not_yet_valid"], ["nbf": "\(TestToken.now + 60)"]),
        Case(.issuedInFuture, "times", ["issued_in_future"], ["iat": "\(TestToken.now + 60)"]),
        Case(.malformed, "times", ["exp is absent"], ["exp": nil]),
        Case(.malformed, "times", ["exp is soon"], ["exp": #""soon""#]),
        Case(.noUser, "user", ["sub is absent", "NOVATUNE_JWT_USER_CLAIM"], ["sub": nil]),
        Case(.noUser, "user", ["sub is a list"], ["sub": "[]"]),
        Case(
            .noRole, "role", ["roles is guest", "NOVATUNE_JWT_LISTENER_ROLE", "NOVATUNE_JWT_ROLES_CLAIM"],
            ["roles": #"["guest"]"#]),
        Case(.noRole, "role", ["roles is none"], ["roles": nil]),
        Case(.malformed, "role", ["roles is a number"], ["roles": "7"]),
        Case(.unknownKey, "key", ["HS256", "NOVATUNE_JWT_KEYS"], header: #"{"alg":"HS256","kid":"new"}"#),
        Case(.unknownKey, "key", ["NOVATUNE_JWT_ALGORITHMS"], header: #"{"alg":"RS256"}"#),
        Case(.unknownKey, "form", ["alg is none"], header: #"{"alg":"none"}"#),
        Case(.wrongType, "form", ["access token"], header: #"{"alg":"HS256","typ":"logout+jwt"}"#),
        Case(.forbiddenHeader, "form", ["crit"], header: #"{"alg":"HS256","crit":["b64"]}"#),
        Case(.malformed, "form", ["base64url"], header: "[]"),
    ])
    func refusedTokenIsExplained(_ row: Case) throws {
        let explanation = try explain(TestToken.make(header: row.header, claims: row.claims))
        #expect(explanation.rejection == row.rejection)
        let failed = failed(explanation)
        #expect(failed.count == 1)
        let line = try #require(failed.first)
        #expect(line.hasPrefix("\(row.check): ") && row.names.allSatisfy { line.contains($0) }, "\(line)")
    }

    @Test func allThatIsWrongIsNamed() throws {
        let token = try TestToken.make(
            claims: TestToken.claims(["iss": #""x""#, "aud": #""y""#, "exp": "1", "roles": "[]"]))
        #expect(failed(try explain(token)).count == 4)
    }

    @Test(arguments: ["", "x", "a.b", "a.b.c.d", "..", "e30.e30.", String(repeating: "a", count: 16_385)])
    func textThatIsNoTokenIsExplained(text: String) throws {
        let explanation = try explain(text)
        #expect(explanation.rejection != nil && failed(explanation).count == 1)
    }

    @Test func claimsOfAForgedTokenAreMarkedAsNotVerified() throws {
        let claims = TestToken.claims(["iss": #""https://other.example""#])
        let token =
            try TestToken.make(claims: claims).split(separator: ".")
            .prefix(2).joined(separator: ".") + ".AAAA"
        let failed = failed(try explain(token))
        #expect(failed.count == 2 && failed[0].contains("what follows is not verified"))
    }

    /// Nothing of a person, nothing that lets another send the token.
    @Test func explanationHasNeitherTokenNorUser() throws {
        let claims = TestToken.claims(["sub": #""canary@example.com""#, "email": #""canary@example.com""#])
        for token in [try TestToken.make(claims: claims), try TestToken.make(claims: claims) + "A"] {
            let text = try explain(token).steps.map(\.detail).joined(separator: "\n")
            #expect(!text.contains("canary") && text.contains("novatune.user_identities"))
            #expect(token.split(separator: ".").allSatisfy { !text.contains($0) })
        }
    }

    @Test func providersWithTheSameKeysAreExplainedByTheIssuer() throws {
        let second = ClaimRequirements(issuers: ["https://second.example"], audiences: ["b"], listeners: .all)
        let keys = try KeySet([try VerificationKey(sharedSecret: TestToken.secret)])
        let accepted = AcceptedTokens(providers: [
            TokenProvider(keys: keys, requirements: TestToken.requirements),
            TokenProvider(keys: keys, requirements: second),
        ])
        let claims = TestToken.claims(["iss": #""https://second.example""#, "aud": #""b""#])
        let token = Array(try TestToken.make(claims: claims).utf8)
        let explanation = TokenExplanation(token, accepted, at: UnixTime(seconds: TestToken.now))
        #expect(explanation.rejection == nil && failed(explanation).isEmpty)
    }

    @Test func providerIsThatOfTheKey() throws {
        let second = ClaimRequirements(issuers: ["https://second.example"], audiences: ["b"], listeners: .all)
        let accepted = AcceptedTokens(providers: [
            TokenProvider(
                keys: try KeySet([try VerificationKey(sharedSecret: Self.other)]), requirements: TestToken.requirements),
            TokenProvider(
                keys: try KeySet([try VerificationKey(sharedSecret: TestToken.secret)]), requirements: second),
        ])
        let claims = TestToken.claims(["iss": #""https://second.example""#, "aud": #""b""#])
        let token = Array(try TestToken.make(claims: claims).utf8)
        let explanation = TokenExplanation(token, accepted, at: UnixTime(seconds: TestToken.now))
        #expect(explanation.rejection == nil && failed(explanation).isEmpty)
    }
}
