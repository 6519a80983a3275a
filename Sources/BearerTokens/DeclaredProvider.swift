import Cryptography
import OperatorSettings
import StrictJSON

/// A provider as the operator declares it, before its keys are bounded by `NOVATUNE_JWT_ALGORITHMS`.
public struct DeclaredProvider: Sendable {
    public let requirements: ClaimRequirements
    /// Keys that the settings hold; nil where there are none.
    public let published: PublishedKeys?
    /// Where its keys are fetched; nil where the settings hold all keys.
    public let location: KeyLocation?
    public let sharedSecret: VerificationKey?

    public init(
        requirements: ClaimRequirements, published: PublishedKeys? = nil, location: KeyLocation? = nil,
        sharedSecret: VerificationKey? = nil
    ) {
        self.requirements = requirements
        self.published = published
        self.location = location
        self.sharedSecret = sharedSecret
    }

    /// - Parameter fetched: the key sets at their locations.
    /// - Returns: nil where it has no key, because its set was not fetched yet.
    /// - Throws: where no key of a set is usable.
    func provider(
        _ fetched: [KeyLocation: PublishedKeys], bounding allowed: [SignatureAlgorithm]
    ) throws(KeySetError) -> TokenProvider? {
        let published = try (published ?? location.flatMap { fetched[$0] })?.bounded(by: allowed)
        let keys = (published?.keys ?? []) + (sharedSecret.map { [$0] } ?? [])
        guard !keys.isEmpty || location == nil else { return nil }
        return TokenProvider(
            keys: try KeySet(keys, skipped: published?.skipped ?? []), requirements: requirements)
    }

    /// A JSON list with an object for each provider. Its members are named as the settings are: `issuer`, `audience`,
    /// `clients` (each a text or a list), `user_claim`, `roles_claim`, `listener_role`, `keys` (a JWK Set),
    /// `keys_url`, `discovery` (true), `keys_ca_file` and `hs256_secret`.
    /// - Throws: a reason that names the provider's position and the member, and quotes no value.
    static func list(_ text: [UInt8]) throws(KeySetError) -> [DeclaredProvider] {
        let root: JSONValue
        do { root = try JSONReader.read(text) } catch { throw KeySetError("not JSON: \(error)") }
        guard let elements = root.arrayValue, !elements.isEmpty else {
            throw KeySetError("not a JSON list with at least one provider")
        }
        var providers: [DeclaredProvider] = []
        for (index, element) in elements.enumerated() {
            guard let object = element.objectValue else { throw KeySetError("provider \(index + 1) is not an object") }
            do { providers.append(try Members(object).provider()) } catch {
                throw KeySetError("provider \(index + 1): \(error)")
            }
        }
        return providers
    }
}

private struct Members {
    private static let known = [
        "issuer", "audience", "clients", "user_claim", "roles_claim", "listener_role", "keys", "keys_url", "discovery",
        "keys_ca_file", "hs256_secret",
    ]

    let object: JSONObject

    init(_ object: JSONObject) throws(KeySetError) {
        guard object.members.allSatisfy({ Self.known.contains($0.name) }) else {
            throw KeySetError("a member is none of \(Self.known.joined(separator: ", "))")
        }
        self.object = object
    }

    func provider() throws(KeySetError) -> DeclaredProvider {
        let issuers = try texts("issuer")
        guard !issuers.isEmpty else { throw KeySetError("issuer is required") }
        let (audiences, clients) = (try texts("audience"), try texts("clients"))
        guard !audiences.isEmpty || !clients.isEmpty else { throw KeySetError("audience or clients is required") }
        let published = try object["keys"].map { (keys) throws(KeySetError) in try PublishedKeys(keys) }
        let secret = try object["hs256_secret"].map { (secret) throws(KeySetError) in try Self.secret(secret) }
        let location = try location(issuer: issuers[0])
        guard published == nil || location == nil else {
            throw KeySetError("keys, keys_url and discovery replace one another")
        }
        guard published != nil || location != nil || secret != nil else {
            throw KeySetError("keys, keys_url, discovery or hs256_secret is required")
        }
        let role = try text("listener_role") ?? "listener"
        return DeclaredProvider(
            requirements: ClaimRequirements(
                issuers: issuers, audiences: audiences, clients: clients,
                userClaim: try claim("user_claim") ?? .subject, rolesClaim: try claim("roles_claim") ?? .roles,
                listeners: role == "none" ? .all : .withRole(role)),
            published: published, location: location, sharedSecret: secret)
    }

    /// - Parameter issuer: the first, below which a discovery document is.
    private func location(issuer: String) throws(KeySetError) -> KeyLocation? {
        let url = try text("keys_url")
        let isDiscovered: Bool
        switch object["discovery"] {
        case nil, .boolean(false): isDiscovered = false
        case .boolean(true): isDiscovered = true
        default: throw KeySetError("discovery is not true or false")
        }
        guard url == nil || !isDiscovered else { throw KeySetError("keys_url and discovery replace one another") }
        guard
            let address: KeyLocation.Address = url.map({ .keys($0) })
                ?? (isDiscovered ? .discovery(issuer: issuer) : nil)
        else {
            guard object["keys_ca_file"] == nil else { throw KeySetError("keys_ca_file needs keys_url or discovery") }
            return nil
        }
        do {
            return try KeyLocation(address, certificateAuthorities: try text("keys_ca_file"))
        } catch let error as KeySetError {
            throw error
        } catch {
            throw KeySetError("\(url == nil ? "issuer" : "keys_url"): \(error)")
        }
    }

    private static func secret(_ value: JSONValue) throws(KeySetError) -> VerificationKey {
        guard let text = value.string else { throw KeySetError("hs256_secret is not a text") }
        return try VerificationKey(sharedSecret: SymmetricKey(Array(text.utf8)))
    }

    private func claim(_ member: String) throws(KeySetError) -> ClaimPath? {
        try text(member).flatMap { ClaimPath($0) }
    }

    private func text(_ member: String) throws(KeySetError) -> String? {
        guard let value = object[member] else { return nil }
        guard let text = value.stringValue, !text.isEmpty else { throw KeySetError("\(member) is not a text") }
        return text
    }

    private func texts(_ member: String) throws(KeySetError) -> [String] {
        switch object[member] {
        case nil: return []
        case .array(let elements):
            let texts = elements.compactMap(\.stringValue).filter { !$0.isEmpty }
            guard texts.count == elements.count else { throw KeySetError("\(member) is not a list of texts") }
            return texts
        default: return try text(member).map { [$0] } ?? []
        }
    }
}
