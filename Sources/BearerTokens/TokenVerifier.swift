import Cryptography
public import StreamIssuing

/// Turns an `Authorization` header into a listener, or throws the reason why it cannot.
///
/// Holds a hash context, so each event loop has its own verifier; keys and verified tokens are shared.
public final class TokenVerifier {
    /// In bytes, without the scheme.
    public static let maximumTokenLength = 8192

    private let keys: KeySet
    private let checkers: [SignatureChecker]
    private var headers = JOSEHeader.HeaderCache()
    private let requirements: ClaimRequirements
    private let tokenCache: TokenCache
    private let clock: any WallClock
    private let sha256 = SHA256()

    public init(keys: KeySet, requirements: ClaimRequirements, tokenCache: TokenCache, clock: any WallClock) {
        self.keys = keys
        checkers = keys.keys.map { SignatureChecker($0) }
        self.requirements = requirements
        self.tokenCache = tokenCache
        self.clock = clock
    }

    /// - Parameter header: the value of `Authorization` (RFC 6750 §2.1), nil or empty where there was none.
    public func verify(authorization header: String?) throws(TokenRejection) -> Listener {
        let header = header ?? ""
        let bytes = header.utf8.span
        let token = bytes.extracting(try Self.tokenStart(bytes)...)
        guard token.count <= Self.maximumTokenLength else { throw .tooLong }
        let fingerprint = sha256.hash(token)
        if let claims = tokenCache.claims(of: fingerprint) {
            do {
                try claims.check(at: clock.now, leeway: requirements.leeway)
            } catch {
                tokenCache.forget(fingerprint)
                throw error
            }
            return claims.listener
        }
        let claims = try verifiedClaims(Array(header.utf8.suffix(token.count)))
        try claims.check(at: clock.now, leeway: requirements.leeway)
        tokenCache.remember(claims, of: fingerprint)
        return claims.listener
    }

    /// Verifies the signature before it reads the claims: of an unverified token it reads the header only.
    private func verifiedClaims(_ token: [UInt8]) throws(TokenRejection) -> Claims {
        let signature = try JSONWebSignature(token, &headers)
        guard let position = keys.position(for: signature) else { throw .unknownKey }
        guard checkers[position].isValid(signature) else { throw .badSignature }
        return try Claims(try signature.payload(), requirements)
    }

    private static let scheme = Array("bearer".utf8)

    /// The token starts after the scheme, whose letter case does not matter (RFC 9110 §11.1), and one or more spaces.
    private static func tokenStart(_ header: Span<UInt8>) throws(TokenRejection) -> Int {
        guard header.count >= scheme.count, scheme.indices.allSatisfy({ header[$0] | 0x20 == scheme[$0] }) else { throw .missing }
        guard header.count > scheme.count else { throw .missing }
        guard header[scheme.count] == 0x20 else { throw .malformed }
        var start = scheme.count
        while start < header.count, header[start] == 0x20 { start += 1 }
        guard start < header.count else { throw .missing }
        return start
    }
}
