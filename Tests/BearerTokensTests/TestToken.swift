@testable import BearerTokens
import Cryptography
import StreamIssuing
import TestSupport

/// Tokens whose header and claims are given as text, signed with a secret that the verifier has, so that only the text
/// decides.
enum TestToken {
    static let now: Int64 = 1_767_875_400
    static let secret = SymmetricKey(Array("0123456789abcdef0123456789abcdef".utf8))
    static let subject = "01HXK5Z8J3QW9R7N2M4P6T8V0B"
    static let requirements = ClaimRequirements(issuers: ["https://id.example.com"], audiences: ["novatune-stream"])

    static func make(header: String = #"{"alg":"HS256"}"#, claims: String = claims()) throws -> String {
        try make(header: Array(header.utf8), claims: Array(claims.utf8))
    }

    static func make(header: [UInt8], claims: [UInt8]) throws -> String {
        try sign(Base64URL.encode(header) + "." + Base64URL.encode(claims))
    }

    /// - Parameter signingInput: `header.payload`, encoded or not.
    static func sign(_ signingInput: String) throws -> String {
        let signature = try secret.withBytes { try HMACSHA256(key: $0).authenticationCode(for: signingInput.utf8.span) }
        return signingInput + "." + Base64URL.encode(signature.bytes)
    }

    /// Good claims with some of them replaced by other JSON, or left out where the replacement is nil.
    static func claims(_ changes: KeyValuePairs<String, String?> = [:]) -> String {
        var members: [(name: String, json: String?)] = [
            ("iss", #""https://id.example.com""#), ("aud", #""novatune-stream""#), ("sub", "\"\(subject)\""),
            ("iat", "\(now - 60)"),
            ("exp", "\(now + 600)"), ("roles", #"["listener"]"#),
        ]
        for (name, json) in changes {
            if let index = members.firstIndex(where: { $0.name == name }) {
                members[index].json = json
            } else {
                members.append((name, json))
            }
        }
        return "{" + members.compactMap { name, json in json.map { "\"\(name)\":\($0)" } }.joined(separator: ",") + "}"
    }

    static func verifier(
        clock: SettableWallClock = SettableWallClock(now), leeway: Duration = .zero,
        requirements: ClaimRequirements = requirements, remembering verified: TokenCache = TokenCache()
    ) throws -> TokenVerifier {
        let provider = TokenProvider(
            keys: try KeySet([try VerificationKey(sharedSecret: secret)]), requirements: requirements)
        return TokenVerifier(
            AcceptedTokens(providers: [provider], leeway: leeway), tokenCache: verified, clock: clock)
    }

    /// For keys of one provider with these requirements.
    static func verifier(
        _ keys: KeySet, _ requirements: ClaimRequirements = requirements,
        remembering verified: TokenCache = TokenCache()
    ) -> TokenVerifier {
        TokenVerifier(
            AcceptedTokens(providers: [TokenProvider(keys: keys, requirements: requirements)]),
            tokenCache: verified, clock: SettableWallClock(now))
    }

    /// "accepted" or the rejection's code.
    static func outcome(ofHeader header: String?, _ verifier: TokenVerifier) -> String {
        do {
            _ = try verifier.verify(authorization: header)
            return "accepted"
        } catch {
            return error.rawValue
        }
    }

    static func outcome(of token: String, _ verifier: TokenVerifier) -> String {
        outcome(ofHeader: "Bearer \(token)", verifier)
    }
}
