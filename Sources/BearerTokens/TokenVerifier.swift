import Cryptography
public import StreamIssuing

/// From an `Authorization` header to a listener, or the reason why not.
///
/// Holds a hash context: each worker has its own; keys and remembered tokens are shared.
public final class TokenVerifier {
    /// Bytes of the token alone.
    public static let maximumTokenLength = 8192

    private let keys: KeySet
    private let requirements: ClaimRequirements
    private let verifiedTokens: VerifiedTokens
    private let clock: any WallClock
    private let sha256 = SHA256()

    public init(keys: KeySet, requirements: ClaimRequirements, verifiedTokens: VerifiedTokens, clock: any WallClock) {
        self.keys = keys
        self.requirements = requirements
        self.verifiedTokens = verifiedTokens
        self.clock = clock
    }

    /// - Parameter header: the value of `Authorization` (RFC 6750 §2.1), nil or empty where there was none.
    public func verify(authorization header: String?) throws(TokenRejection) -> Listener {
        let token = try Self.token(in: header)
        let fingerprint = sha256.hash(token.span)
        if let claims = verifiedTokens.claims(of: fingerprint) {
            do {
                try claims.check(at: clock.now, leeway: requirements.leeway)
            } catch {
                verifiedTokens.forget(fingerprint)
                throw error
            }
            return claims.listener
        }
        let claims = try verifiedClaims(Array(token))
        try claims.check(at: clock.now, leeway: requirements.leeway)
        verifiedTokens.remember(claims, of: fingerprint)
        return claims.listener
    }

    /// The signature before the claims: nothing unsigned is read but the header.
    private func verifiedClaims(_ token: [UInt8]) throws(TokenRejection) -> Claims {
        let signature = try JSONWebSignature(token)
        guard let key = keys.key(for: signature) else { throw .unknownKey }
        guard key.isValid(signature) else { throw .badSignature }
        return try Claims(signature.payload, requirements)
    }

    /// The scheme in any case of letters (RFC 9110 §11.1), one or more spaces, the token.
    private static func token(in header: String?) throws(TokenRejection) -> ArraySlice<UInt8> {
        let bytes = Array((header ?? "").utf8)
        let scheme = Array("bearer".utf8)
        guard bytes.count >= scheme.count, bytes.prefix(scheme.count).map({ $0 | 0x20 }) == scheme else { throw .missing }
        let rest = bytes[scheme.count...]
        guard let first = rest.first, first == 0x20 else { throw rest.isEmpty ? .missing : .malformed }
        let token = rest.drop { $0 == 0x20 }
        guard !token.isEmpty else { throw .missing }
        guard token.count <= maximumTokenLength else { throw .tooLong }
        return token
    }
}
