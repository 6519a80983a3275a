import BearerTokens
import Cryptography
import StreamIssuing
import TestSupport
import Testing

@Suite struct TokenMintTests {
    private let user = ULID(TestToken.subject)!

    private func mint() throws -> TokenMint {
        try TokenMint(
            secret: TestToken.secret, issuer: TestToken.requirements.issuers[0],
            audience: TestToken.requirements.audiences[0])
    }

    @Test func mintedTokenVerifies() throws {
        let token = try mint().token(
            user: user, roles: ["listener", "admin"], issuedAt: UnixTime(seconds: TestToken.now), lifetime: .seconds(60)
        )
        let listener = try TestToken.verifier().verify(authorization: "Bearer \(token)")
        #expect(
            listener
                == Listener(
                    user: .id(user), holdsListenerRole: true, tokenIssuedAt: UnixTime(seconds: TestToken.now))
        )
    }

    @Test func mintedTokenEndsWithItsLifetime() throws {
        let token = try mint().token(
            user: user, roles: [], issuedAt: UnixTime(seconds: TestToken.now), lifetime: .seconds(60))
        let clock = SettableWallClock(TestToken.now + 59)
        let verifier = try TestToken.verifier(clock: clock)
        #expect(try !verifier.verify(authorization: "Bearer \(token)").holdsListenerRole)
        clock.set(TestToken.now + 60)
        #expect(TestToken.outcome(of: token, verifier) == "expired")
    }

    @Test func namesWithQuotesAreEscaped() throws {
        let mint = try TokenMint(secret: TestToken.secret, issuer: #"a"b\c"#, audience: "d\u{1}é")
        let token = mint.token(
            user: user, roles: [#"x","listener"#], issuedAt: UnixTime(seconds: TestToken.now), lifetime: .seconds(60))
        let verifier = try TestToken.verifier(
            requirements: ClaimRequirements(issuers: [#"a"b\c"#], audiences: ["d\u{1}é"]))
        #expect(try !verifier.verify(authorization: "Bearer \(token)").holdsListenerRole)
    }

    @Test func secretOf31BytesIsRefusedAndOf32IsNot() throws {
        #expect(throws: KeySetError.self) {
            try TokenMint(secret: SymmetricKey([UInt8](repeating: 1, count: 31)), issuer: "i", audience: "a")
        }
        _ = try TokenMint(secret: SymmetricKey([UInt8](repeating: 1, count: 32)), issuer: "i", audience: "a")
    }
}
