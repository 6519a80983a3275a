/// The algorithms that this service accepts (RFC 7518 §3.1, RFC 8037 §3.1). Each key has exactly one.
public enum SignatureAlgorithm: String, Sendable, CaseIterable {
    case hs256 = "HS256"
    case rs256 = "RS256"
    case es256 = "ES256"
    case edDSA = "EdDSA"
}
