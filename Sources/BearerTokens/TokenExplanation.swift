import OperatorSettings
public import StreamIssuing
import StrictJSON

/// The checks of a token one by one, for an operator who wants to know why it is refused. It shows the claims that
/// decide, and of the user's claim only its kind; never the token or its signature.
public struct TokenExplanation: Sendable {
    public struct Step: Sendable, Equatable {
        public enum Verdict: String, Sendable {
            case ok, failed, skipped
        }

        /// `form`, `key`, `signature`, …
        public let check: String
        public let verdict: Verdict
        /// The claim, and the setting that it is compared with.
        public let detail: String
    }

    public private(set) var steps: [Step] = []
    /// What a request with the token is refused for; nil where it is not.
    public let rejection: TokenRejection?

    /// - Parameter token: without the scheme `Bearer`.
    public init(_ token: [UInt8], _ accepted: AcceptedTokens, at now: UnixTime) {
        rejection = Self.rejection(of: token, accepted, at: now)
        explain(token, accepted, at: now)
    }

    /// As a request is judged, which knows no steps.
    private static func rejection(
        of token: [UInt8], _ accepted: AcceptedTokens, at now: UnixTime
    ) -> TokenRejection? {
        let verifier = TokenVerifier(accepted, tokenCache: TokenCache(), clock: StoppedClock(now: now))
        do throws(TokenRejection) {
            let listener = try verifier.verify(authorization: "Bearer " + String(decoding: token, as: UTF8.self))
            return listener.holdsListenerRole ? nil : .noRole
        } catch {
            return error
        }
    }

    private struct StoppedClock: WallClock {
        let now: UnixTime
    }

    private mutating func explain(_ token: [UInt8], _ accepted: AcceptedTokens, at now: UnixTime) {
        guard checkLength(token), let signature = checkForm(token) else { return }
        let candidates = checkKey(signature, accepted)
        let claims: StatedClaims
        do throws(TokenRejection) { claims = try StatedClaims(try signature.payload()) } catch {
            fail("claims", "the payload is not a JSON object")
            return
        }
        // Two tenants of one provider publish the same keys: the issuer decides.
        let named = candidates.first { (try? claims.issuer(of: $0)) != nil }
        guard let requirements = named ?? candidates.first else { return }
        check(claims, requirements)
        checkTimes(claims, accepted.leeway, now)
        checkUser(claims, requirements)
        add("session", .skipped, "the database decides at each request: user, status, logout, access to the track")
    }

    private mutating func add(_ check: String, _ verdict: Step.Verdict, _ detail: String) {
        steps.append(Step(check: check, verdict: verdict, detail: detail))
    }

    private mutating func fail(_ check: String, _ detail: String) { add(check, .failed, detail) }

    // MARK: Before the claims

    private mutating func checkLength(_ token: [UInt8]) -> Bool {
        let (count, limit) = (token.count, TokenVerifier.maximumTokenLength)
        guard count > 0 else {
            fail("length", "the token is empty")
            return false
        }
        guard count <= limit else {
            fail("length", "\(count) bytes; the limit is \(limit)")
            return false
        }
        add("length", .ok, "\(count) bytes; the limit is \(limit)")
        return true
    }

    private mutating func checkForm(_ token: [UInt8]) -> JSONWebSignature? {
        do throws(TokenRejection) {
            let signature = try JSONWebSignature(token)
            let key = signature.header.keyID.map { "kid \(KeyName.shown($0))" } ?? "no kid"
            add("form", .ok, "alg \(signature.header.algorithm.rawValue), \(key)")
            return signature
        } catch {
            fail("form", Self.formAdvice(error))
            return nil
        }
    }

    private static func formAdvice(_ rejection: TokenRejection) -> String {
        switch rejection {
        case .forbiddenHeader: "the header has crit, b64, zip or enc, which change how a token is read"
        case .wrongType: "typ is that of another kind of token; send an access token (JWT, at+jwt)"
        case .unknownKey:
            "alg is none, or not one of \(SignatureAlgorithm.allCases.map(\.rawValue).joined(separator: ", "))"
        default: "not three parts of base64url with dots between them, the first a JSON object with alg"
        }
    }

    /// - Returns: what the providers require whose key signed the token; else of those that have a key of its name and
    ///   algorithm, else of all.
    private mutating func checkKey(_ signature: JSONWebSignature, _ accepted: AcceptedTokens) -> [ClaimRequirements] {
        let found = accepted.providers.compactMap { provider in
            provider.keys.position(for: signature.header).map { (provider.keys.keys[$0], provider.requirements) }
        }
        guard let first = found.first else {
            let keys = accepted.providers.flatMap(\.keys.keys).map(\.description)
            fail(
                "key",
                "none for the token's alg and kid among \(keys.isEmpty ? "none" : keys.joined(separator: ", ")) "
                    + "(\(TokenSetting.keys.name), \(TokenSetting.keysURL.name), \(TokenSetting.algorithms.name)); "
                    + "what follows is not verified")
            return accepted.providers.map(\.requirements)
        }
        add("key", .ok, first.0.description)
        let signed = found.filter { SignatureChecker($0.0).isValid(signature) }
        guard let signer = signed.first else {
            fail("signature", "not made by that key; what follows is not verified")
            return found.map(\.1)
        }
        add("signature", .ok, "made by \(signer.0.description)")
        return signed.map(\.1)
    }

    // MARK: Claims

    private mutating func check(_ claims: StatedClaims, _ requirements: ClaimRequirements) {
        let issuer = claims.shown("iss")
        do throws(TokenRejection) {
            add("issuer", .ok, "iss is \(Self.shown([try claims.issuer(of: requirements)]))")
        } catch {
            fail(
                "issuer", "iss is \(issuer); \(TokenSetting.issuer.name) is \(Self.shown(requirements.issuers))")
        }
        let stated =
            "aud is \(claims.shown("aud")), client_id is \(claims.shown("client_id")), azp is \(claims.shown("azp"))"
        do throws(TokenRejection) {
            try claims.requireAudience(of: requirements)
            add("audience", .ok, stated)
        } catch {
            fail(
                "audience",
                "\(stated); \(TokenSetting.audience.name) is \(Self.shown(requirements.audiences)), "
                    + "\(TokenSetting.clients.name), for tokens without aud, is \(Self.shown(requirements.clients))")
        }
    }

    private mutating func checkTimes(_ claims: StatedClaims, _ leeway: Duration, _ now: UnixTime) {
        let times: TimeClaims
        do throws(TokenRejection) { times = try claims.times(leeway: leeway) } catch {
            return fail(
                "times",
                "exp is \(claims.shown("exp")), nbf is \(claims.shown("nbf")), iat is \(claims.shown("iat")); "
                    + "numbers of seconds since 1970, exp is required")
        }
        let stated =
            "exp \(times.expiresAt.rfc3339), nbf \(times.notBefore?.rfc3339 ?? "none"), "
            + "iat \(times.issuedAt?.rfc3339 ?? "none"); now \(now.rfc3339)"
        do throws(TokenRejection) {
            try times.check(at: now)
            add("times", .ok, stated)
        } catch {
            fail("times", "\(stated), \(TokenSetting.leeway.name) \(leeway.components.seconds)s: \(error)")
        }
    }

    private mutating func checkUser(_ claims: StatedClaims, _ requirements: ClaimRequirements) {
        let claim = requirements.userClaim.description
        do throws(TokenRejection) {
            switch try claims.user(requirements.userClaim, issuer: claims.issuer(of: requirements)) {
            case .id: add("user", .ok, "\(claim) is a ULID")
            case .identity: add("user", .ok, "\(claim) is no ULID: a row of novatune.user_identities must link it")
            }
        } catch .noUser {
            fail(
                "user",
                "\(claim) is \(claims.kind(of: requirements.userClaim)), not a text of 1 to "
                    + "\(UserIdentity.subjectLimit) bytes; \(TokenSetting.userClaim.name) names the claim")
        } catch {
            // The issuer was named above.
            add("user", .skipped, "the issuer is not known")
        }
        checkRole(claims, requirements)
    }

    private mutating func checkRole(_ claims: StatedClaims, _ requirements: ClaimRequirements) {
        guard case .withRole(let role) = requirements.listeners else {
            return add("role", .ok, "\(TokenSetting.listenerRole.name) is none: each user may listen")
        }
        let claim = requirements.rolesClaim.description
        do throws(TokenRejection) {
            let roles = try claims.roles(requirements.rolesClaim)
            guard try claims.holdsListenerRole(requirements) else {
                return fail(
                    "role",
                    "\(claim) is \(Self.shown(roles)); \(TokenSetting.listenerRole.name) is \(Self.shown([role])), "
                        + "\(TokenSetting.rolesClaim.name) names the claim")
            }
            add("role", .ok, "\(claim) names \(Self.shown([role]))")
        } catch {
            fail("role", "\(claim) is \(claims.kind(of: requirements.rolesClaim)), and holds no list of roles")
        }
    }

    private static func shown(_ texts: [String]) -> String {
        texts.isEmpty ? "none" : texts.map { KeyName.shown($0, upTo: 200) }.joined(separator: ", ")
    }
}

extension StatedClaims {
    /// A claim's value, for people: texts and numbers only.
    fileprivate func shown(_ name: String) -> String {
        switch claims[name] {
        case nil: "absent"
        case .string(let text): KeyName.shown(text.text, upTo: 200)
        case .integer(let number): "\(number)"
        case .otherNumber(let number): "\(number)"
        case .array(let elements):
            "[\(elements.map { $0.stringValue.map { KeyName.shown($0, upTo: 200) } ?? "…" }.joined(separator: ", "))]"
        default: "no text and no number"
        }
    }

    /// What kind of value a claim has; the value itself may name a person.
    fileprivate func kind(of claim: ClaimPath) -> String {
        switch claim.value(in: claims) {
        case nil: "absent"
        case .null: "null"
        case .boolean: "true or false"
        case .integer, .otherNumber: "a number"
        case .string(let text): "a text of \(text.utf8.count) bytes"
        case .array: "a list"
        case .object: "an object"
        }
    }
}
