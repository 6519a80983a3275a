/// Why a request's bearer token is not accepted: a closed set, for metrics and logs. The client learns only whether it
/// sent a token.
public enum TokenRejection: String, Error, Sendable, CaseIterable, CustomStringConvertible {
    /// No `Authorization` header, or one of another scheme.
    case missing
    /// Longer than the verifier reads.
    case tooLong = "too_long"
    /// Not the compact serialization of RFC 7515 §7.1, or its header or claims are not what RFC 7519 says.
    case malformed
    /// The header has a parameter that changes how the token is read.
    case forbiddenHeader = "forbidden_header"
    /// The header's `typ` is that of another kind of token.
    case wrongType = "wrong_type"
    /// No key here has the header's `kid` and `alg`.
    case unknownKey = "unknown_key"
    case badSignature = "bad_signature"
    case wrongIssuer = "wrong_issuer"
    /// The token is meant for another service: its `aud`, or without one its client, is none of those in the settings.
    case wrongAudience = "wrong_audience"
    case expired
    case notYetValid = "not_yet_valid"
    /// `iat` is further ahead of this machine's clock than clocks may differ.
    case issuedInFuture = "issued_in_future"
    /// The claim that names the user is absent, empty, too long, or no text.
    case noUser = "no_user"
    /// The token does not name the listener's role.
    case noRole = "no_role"
    /// The user's sessions were ended after the token was issued.
    case sessionEnded = "session_ended"

    public var description: String { rawValue }
}
