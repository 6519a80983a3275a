/// The algorithms that this service knows (RFC 7518 §3.1, RFC 8037 §3.1).
public enum SignatureAlgorithm: String, Sendable, CaseIterable {
    case hs256 = "HS256"
    case rs256 = "RS256"
    case rs384 = "RS384"
    case rs512 = "RS512"
    case ps256 = "PS256"
    case es256 = "ES256"
    case es384 = "ES384"
    case edDSA = "EdDSA"

    /// Those with a public key, which a provider can publish.
    public static let withPublicKey: [SignatureAlgorithm] = allCases.filter { $0 != .hs256 }

    /// Those that a published key is used with unless the settings say otherwise.
    public static let usual: [SignatureAlgorithm] = [.rs256, .es256, .edDSA]

    /// As `alg` names it. RFC 9864 §2.2 names EdDSA on Ed25519 "Ed25519".
    init?(alg name: String) {
        if name == "Ed25519" { self = .edDSA } else { self.init(rawValue: name) }
    }
}
