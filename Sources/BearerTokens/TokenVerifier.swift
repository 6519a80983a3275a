import Cryptography
public import StreamIssuing

/// An identity provider: its keys, and what its tokens must state.
public struct TokenProvider: Sendable {
    public let keys: KeySet
    public let requirements: ClaimRequirements

    public init(keys: KeySet, requirements: ClaimRequirements) {
        self.keys = keys
        self.requirements = requirements
    }
}

/// Which tokens are accepted.
public struct AcceptedTokens: Sendable {
    /// At least one.
    public let providers: [TokenProvider]
    /// The clock difference allowed for `exp`, `nbf` and `iat`: at least 0.
    public let leeway: Duration
    /// Of the keys that are fetched; none where all are in the settings.
    public let fetchedAlgorithms: [SignatureAlgorithm]

    public init(
        providers: [TokenProvider], leeway: Duration = .zero, fetchedAlgorithms: [SignatureAlgorithm] = []
    ) {
        self.providers = providers
        self.leeway = leeway
        self.fetchedAlgorithms = fetchedAlgorithms
    }
}

/// Turns an `Authorization` header into a listener, or throws the reason why it cannot.
///
/// Holds hash contexts, so each event loop has its own verifier; keys and verified tokens are shared.
public final class TokenVerifier {
    /// In bytes, without the scheme.
    public static let maximumTokenLength = 16_384

    private struct Provider {
        let keys: KeySet
        let checkers: [SignatureChecker]
        let requirements: ClaimRequirements
    }

    private let providers: [Provider]
    private let leeway: Duration
    private let fetchedAlgorithms: [SignatureAlgorithm]
    /// Whether the last token was refused for a key that a provider may have published since.
    public private(set) var unknownKeyMayBePublished = false
    private var headers = JOSEHeader.HeaderCache()
    private let tokenCache: TokenCache
    private let clock: any WallClock
    private let sha256 = SHA256()

    public init(_ accepted: AcceptedTokens, tokenCache: TokenCache, clock: any WallClock) {
        leeway = accepted.leeway
        fetchedAlgorithms = accepted.fetchedAlgorithms
        providers = accepted.providers.map { provider in
            Provider(
                keys: provider.keys, checkers: provider.keys.keys.map { SignatureChecker($0) },
                requirements: provider.requirements)
        }
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
        let now = clock.now
        if let claims = tokenCache.claims(of: fingerprint) {
            do {
                try claims.check(at: now)
            } catch {
                tokenCache.forget(fingerprint)
                throw error
            }
            return claims.listener
        }
        let claims = try verifiedClaims(Array(header.utf8.suffix(token.count)), at: now)
        try claims.check(at: now)
        tokenCache.remember(claims, of: fingerprint)
        return claims.listener
    }

    /// Verifies the signature before it reads the claims: of an unverified token it reads the header only. The key that
    /// verifies the token names the provider, whose issuers `iss` must be one of: so a key of one provider never counts
    /// for a token of another that does not publish it, too.
    private func verifiedClaims(_ token: [UInt8], at now: UnixTime) throws(TokenRejection) -> Claims {
        unknownKeyMayBePublished = false
        let signature = try JSONWebSignature(token, &headers)
        var rejection = TokenRejection.unknownKey
        for provider in providers {
            guard let position = provider.keys.position(for: signature.header) else { continue }
            if rejection == .unknownKey { rejection = .badSignature }
            guard provider.checkers[position].isValid(signature) else { continue }
            do throws(TokenRejection) {
                return try Claims(try signature.payload(), provider.requirements, leeway: leeway, at: now)
            } catch .wrongIssuer {
                // Two tenants of one provider publish the same keys.
                rejection = .wrongIssuer
            }
        }
        if rejection == .unknownKey {
            unknownKeyMayBePublished =
                signature.header.keyID != nil && fetchedAlgorithms.contains(signature.header.algorithm)
        }
        throw rejection
    }

    private static let scheme = Array("bearer".utf8)

    /// The token starts after the scheme, whose letter case does not matter (RFC 9110 §11.1), and one or more spaces.
    private static func tokenStart(_ header: Span<UInt8>) throws(TokenRejection) -> Int {
        guard header.count >= scheme.count, scheme.indices.allSatisfy({ header[$0] | 0x20 == scheme[$0] }) else {
            throw .missing
        }
        guard header.count > scheme.count else { throw .missing }
        guard header[scheme.count] == 0x20 else { throw .malformed }
        var start = scheme.count
        while start < header.count, header[start] == 0x20 { start += 1 }
        guard start < header.count else { throw .missing }
        return start
    }
}
