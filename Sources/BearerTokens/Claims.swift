import StreamIssuing
import StrictJSON

/// The claims of a token whose signature has been verified (RFC 7519 §4.1), each of the right type.
struct Claims: Sendable {
    let listener: Listener
    private let times: TimeClaims

    /// - Parameter now: when this process sees the token for the first time.
    init(
        _ payload: [UInt8], _ requirements: ClaimRequirements, leeway: Duration, at now: UnixTime
    ) throws(TokenRejection) {
        let stated = try StatedClaims(payload)
        let times = try stated.times(leeway: leeway)
        let issuer = try stated.issuer(of: requirements)
        try stated.requireAudience(of: requirements)
        let user = try stated.user(requirements.userClaim, issuer: issuer)
        self.times = times
        listener = Listener(
            user: user, holdsListenerRole: try stated.holdsListenerRole(requirements), tokenIssuedAt: times.issuedAt,
            tokenHistory: TokenHistory(firstSeen: now))
    }

    func check(at now: UnixTime) throws(TokenRejection) { try times.check(at: now) }
}

/// `exp`, `nbf` and `iat`.
struct TimeClaims: Sendable {
    let expiresAt: UnixTime
    let notBefore: UnixTime?
    let issuedAt: UnixTime?
    let leeway: Duration

    /// RFC 7519 §4.1.4 and §4.1.5: refused on or after `exp`, accepted from `nbf` on. A token from the future
    /// (§4.1.6) would outlive a logout. `iat` and the clock are both cut to whole seconds, so one may be rounding.
    func check(at now: UnixTime) throws(TokenRejection) {
        guard now < expiresAt.adding(leeway) else { throw .expired }
        guard notBefore.map({ now.adding(leeway) >= $0 }) ?? true else { throw .notYetValid }
        guard issuedAt.map({ now.adding(leeway + .seconds(1)) >= $0 }) ?? true else { throw .issuedInFuture }
    }
}

/// What a token states, without a judgement on it.
struct StatedClaims {
    let claims: JSONObject

    init(_ payload: [UInt8]) throws(TokenRejection) {
        guard let claims = (try? JSONReader.read(payload))?.objectValue else { throw .malformed }
        self.claims = claims
    }

    // MARK: Times

    func times(leeway: Duration) throws(TokenRejection) -> TimeClaims {
        guard let expiresAt = try numericDate("exp") else { throw .malformed }
        return TimeClaims(
            expiresAt: expiresAt, notBefore: try numericDate("nbf"), issuedAt: try numericDate("iat"), leeway: leeway)
    }

    /// The years 1970 to 9999. A fraction (RFC 7519 §2) is cut: nothing here is measured finer than a second.
    private func numericDate(_ name: String) throws(TokenRejection) -> UnixTime? {
        let seconds: Int64
        switch claims[name] {
        case nil: return nil
        case .integer(let integer): seconds = integer
        case .otherNumber(let number) where (0..<253_402_300_800).contains(number): seconds = Int64(number)
        default: throw .malformed
        }
        guard (0...253_402_300_799).contains(seconds) else { throw .malformed }
        return UnixTime(seconds: seconds)
    }

    // MARK: From which provider, for which service

    func issuer(of requirements: ClaimRequirements) throws(TokenRejection) -> String {
        guard let issuer = claims["iss"]?.stringValue else { throw .malformed }
        guard Self.contains(requirements.issuers, issuer) else { throw .wrongIssuer }
        return issuer
    }

    /// A token with `aud` counts by it where audiences are set; any other by its client. One of the two is always
    /// checked.
    func requireAudience(of requirements: ClaimRequirements) throws(TokenRejection) {
        let audiences = try Self.strings(claims["aud"])
        guard audiences.isEmpty || requirements.audiences.isEmpty else {
            guard audiences.contains(where: { Self.contains(requirements.audiences, $0) }) else { throw .wrongAudience }
            return
        }
        guard let client = client, Self.contains(requirements.clients, client) else { throw .wrongAudience }
    }

    var client: String? { claims["client_id"]?.stringValue ?? claims["azp"]?.stringValue }

    // MARK: The user

    /// Numbers are users at some providers.
    func user(_ claim: ClaimPath, issuer: String) throws(TokenRejection) -> UserReference {
        let subject: String
        switch claim.value(in: claims) {
        case .string(let text): subject = text.text
        case .integer(let number): subject = String(number)
        default: throw .noUser
        }
        if let id = ULID(subject) { return .id(id) }
        guard let identity = UserIdentity(issuer: issuer, subject: subject) else { throw .noUser }
        return .identity(identity)
    }

    func holdsListenerRole(_ requirements: ClaimRequirements) throws(TokenRejection) -> Bool {
        guard case .withRole(let role) = requirements.listeners else { return true }
        return try roles(requirements.rolesClaim).contains { $0.lowercased() == role.lowercased() }
    }

    /// An array of roles, a role, roles separated by spaces, or a map whose keys are roles.
    func roles(_ claim: ClaimPath) throws(TokenRejection) -> [String] {
        switch claim.value(in: claims) {
        case .null: []
        case .object(let map): map.members.map(\.name)
        case .string(let text): [text.text] + text.text.split(separator: " ").map { String($0) }
        case let value: try Self.strings(value)
        }
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

    /// `==` compares strings by canonical equivalence, not byte by byte.
    private static func contains(_ texts: [String], _ text: String) -> Bool {
        texts.contains { $0.utf8.elementsEqual(text.utf8) }
    }
}
