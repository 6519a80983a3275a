/// Why a request's bearer token is not accepted. The client learns only whether it sent a token.
public struct TokenRejection: Error, Sendable, Equatable, CustomStringConvertible {
    /// A stable word for metrics and logs.
    public let code: String

    /// No `Authorization` header, or one of another scheme.
    public static let missing = TokenRejection(code: "missing")
    /// Longer than `TokenVerifier.maximumTokenLength`.
    public static let tooLong = TokenRejection(code: "too_long")
    /// Not the compact serialization of RFC 7515 §7.1, or its header or claims are not what RFC 7519 says.
    public static let malformed = TokenRejection(code: "malformed")
    /// The header has a parameter that changes how the token is read, or that carries a key.
    public static let forbiddenHeader = TokenRejection(code: "forbidden_header")
    /// No key here has the header's `kid` and `alg`.
    public static let unknownKey = TokenRejection(code: "unknown_key")
    public static let badSignature = TokenRejection(code: "bad_signature")
    public static let wrongIssuer = TokenRejection(code: "wrong_issuer")
    public static let wrongAudience = TokenRejection(code: "wrong_audience")
    public static let expired = TokenRejection(code: "expired")
    public static let notYetValid = TokenRejection(code: "not_yet_valid")
    /// `sub` is not a ULID.
    public static let badSubject = TokenRejection(code: "bad_subject")

    public var description: String { code }
}
