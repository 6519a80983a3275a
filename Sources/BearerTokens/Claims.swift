import StreamIssuing
import StrictJSON

/// The claims that a token must have to be accepted by this service.
public struct ClaimRequirements: Sendable, Equatable {
    /// `iss`, compared byte by byte.
    public let issuer: String
    /// One of the token's audiences (`aud`).
    public let audience: String
    /// The clock difference allowed for `exp` and `nbf`: at least 0, default 0 s.
    public let leeway: Duration

    public init(issuer: String, audience: String, leeway: Duration = .zero) {
        self.issuer = issuer
        self.audience = audience
        self.leeway = leeway
    }
}

/// The claims of a token whose signature has been verified (RFC 7519 §4.1), each of the right type.
struct Claims: Sendable {
    let listener: Listener
    private let expiresAt: UnixTime
    private let notBefore: UnixTime?

    init(_ payload: [UInt8], _ requirements: ClaimRequirements) throws(TokenRejection) {
        guard let object = (try? JSONReader.read(payload))?.objectValue else { throw .malformed }
        guard let expiresAt = try Self.numericDate(object["exp"]) else { throw .malformed }
        let notBefore = try Self.numericDate(object["nbf"])
        let issuedAt = try Self.numericDate(object["iat"])
        let audiences = try Self.strings(object["aud"])
        let roles = try Self.strings(object["roles"])
        guard let issuer = object["iss"]?.stringValue, let subject = object["sub"]?.stringValue else { throw .malformed }
        // `==` compares strings by canonical equivalence, not byte by byte.
        guard issuer.utf8.elementsEqual(requirements.issuer.utf8) else { throw .wrongIssuer }
        guard audiences.contains(where: { $0.utf8.elementsEqual(requirements.audience.utf8) }) else { throw .wrongAudience }
        guard let userID = ULID(subject) else { throw .badSubject }
        self.expiresAt = expiresAt
        self.notBefore = notBefore
        listener = Listener(
            userID: userID, holdsListenerRole: roles.contains { $0.lowercased() == "listener" }, tokenIssuedAt: issuedAt)
    }

    /// RFC 7519 §4.1.4 and §4.1.5: refused on or after `exp`, accepted from `nbf` on.
    func check(at now: UnixTime, leeway: Duration) throws(TokenRejection) {
        guard now < expiresAt.adding(leeway) else { throw .expired }
        guard notBefore.map({ now.adding(leeway) >= $0 }) ?? true else { throw .notYetValid }
    }

    /// Whole seconds of the years 1970 to 9999. RFC 7519 allows fractions; no issuer of this service's tokens needs them.
    private static func numericDate(_ value: JSONValue?) throws(TokenRejection) -> UnixTime? {
        guard let value else { return nil }
        guard case .integer(let seconds) = value, (0...253_402_300_799).contains(seconds) else { throw .malformed }
        return UnixTime(seconds: seconds)
    }

    /// A string or an array of strings; an absent claim is an empty list.
    private static func strings(_ value: JSONValue?) throws(TokenRejection) -> [String] {
        switch value {
        case nil: return []
        case .string(let string): return [string.text]
        case .array(let elements):
            var texts: [String] = []
            for element in elements {
                guard let text = element.stringValue else { throw .malformed }
                texts.append(text)
            }
            return texts
        default: throw .malformed
        }
    }
}
