import Cryptography
public import OperatorSettings

/// Settings of the tokens that are accepted.
public enum TokenSetting {
    public static let keys = Setting<PublishedKeys>(
        "NOVATUNE_JWT_KEYS", shownDefault: "one of these four", handling: .secret, isReloadable: true,
        isDocument: true,
        "the provider's JWK Set, as it publishes it; keys that cannot verify tokens are skipped and named"
    ) { (text) throws(InvalidValue) in
        try reason { () throws(KeySetError) in try PublishedKeys(jsonWebKeySet: Array(text.utf8)) }
    }
    public static let keysURL = Setting.text(
        "NOVATUNE_JWT_KEYS_URL", shownDefault: "one of these four", isReloadable: true,
        "where the provider publishes that set (its jwks_uri): https, or http on this host; fetched again as its "
            + "Cache-Control says, every 5m to 24h, and for a key that is not known at most every 30s")
    public static let discovery = Setting<Bool>(
        "NOVATUNE_JWT_DISCOVERY", default: false, shownDefault: "off", allowed: "on, off", isReloadable: true,
        "on where the document below the first issuer names that URL: /.well-known/openid-configuration, or "
            + "oauth-authorization-server"
    ) { (text) throws(InvalidValue) in
        guard let value = ["on": true, "off": false][text] else { throw InvalidValue("not on or off") }
        return value
    }
    public static let certificateAuthorities = Setting.text(
        "NOVATUNE_JWT_KEYS_CA_FILE", shownDefault: "the machine's authorities", isReloadable: true,
        "PEM file of the authorities that the provider's certificate is verified against")
    public static let sharedSecret = Setting<VerificationKey>(
        "NOVATUNE_JWT_HS256_SECRET", shownDefault: "one of these four", handling: .secret, isReloadable: true,
        "shared secret of at least 32 bytes"
    ) { (text) throws(InvalidValue) in
        try reason { () throws(KeySetError) in try VerificationKey(sharedSecret: SymmetricKey(Array(text.utf8))) }
    }
    public static let algorithms = Setting<[SignatureAlgorithm]>(
        "NOVATUNE_JWT_ALGORITHMS", default: SignatureAlgorithm.usual, shownDefault: names(SignatureAlgorithm.usual),
        allowed: "of " + names(SignatureAlgorithm.withPublicKey), isReloadable: true,
        "what published keys are used with; HS256 is for the secret, and for a key of the set that states it"
    ) { (text) throws(InvalidValue) in try algorithms(text) }
    public static let issuer = Setting.list(
        "NOVATUNE_JWT_ISSUER", .required, shownDefault: "required", isReloadable: true,
        "claim iss, compared byte by byte; one or several, separated by commas")
    public static let audience = Setting.list(
        "NOVATUNE_JWT_AUDIENCE", shownDefault: "this or the next", isReloadable: true,
        "one of them is in claim aud; separated by commas")
    public static let clients = Setting.list(
        "NOVATUNE_JWT_CLIENTS", shownDefault: "this or the former", isReloadable: true,
        "for tokens without aud: one of them is claim client_id or azp; separated by commas")
    public static let userClaim = claim(
        "NOVATUNE_JWT_USER_CLAIM", .subject, "claim with the user: a ULID, or the subject of a linked identity")
    public static let rolesClaim = claim("NOVATUNE_JWT_ROLES_CLAIM", .roles, "claim with the user's roles")
    public static let listenerRole = Setting<ClaimRequirements.Listeners>(
        "NOVATUNE_JWT_LISTENER_ROLE", default: .withRole("listener"), shownDefault: "listener", isReloadable: true,
        "role that may listen, in any case of letters; none where each user of the provider may"
    ) { (text) throws(InvalidValue) in text == "none" ? .all : .withRole(text) }
    public static let providers = Setting<[DeclaredProvider]>(
        "NOVATUNE_JWT_PROVIDERS", shownDefault: "none", handling: .secret, isReloadable: true, isDocument: true,
        "several providers instead of the settings above: a JSON list with a member for each of them"
    ) { (text) throws(InvalidValue) in
        try reason { () throws(KeySetError) in try DeclaredProvider.list(Array(text.utf8)) }
    }
    public static let stateDirectory = Setting.text(
        "NOVATUNE_STATE_DIRECTORY", shownDefault: "systemd's StateDirectory, else none",
        "directory in which this service alone keeps the last key set of each provider, for a start while the provider "
            + "is away")
    public static let leeway = Setting.duration(
        "NOVATUNE_JWT_LEEWAY", .zero ... .seconds(300), default: .seconds(5), isReloadable: true,
        "how far the issuer's clock may differ from this machine's and the database's")

    public static let group = SettingGroup(
        "Tokens",
        [
            keys.declaration, keysURL.declaration, discovery.declaration, certificateAuthorities.declaration,
            sharedSecret.declaration, algorithms.declaration, issuer.declaration,
            audience.declaration, clients.declaration, userClaim.declaration, rolesClaim.declaration,
            listenerRole.declaration, providers.declaration, leeway.declaration,
            stateDirectory.declaration,
        ])

    /// Those that `providers` replaces.
    public static let ofOneProvider = [
        keys.declaration, keysURL.declaration, discovery.declaration, certificateAuthorities.declaration,
        sharedSecret.declaration, issuer.declaration, audience.declaration, clients.declaration,
        userClaim.declaration, rolesClaim.declaration, listenerRole.declaration,
    ]

    private static func claim(_ name: String, _ fallback: ClaimPath, _ meaning: String) -> Setting<ClaimPath> {
        Setting(
            name, default: fallback, shownDefault: fallback.description, isReloadable: true,
            meaning + "; a name, a dotted path or a JSON Pointer"
        ) { (text) throws(InvalidValue) in
            guard let path = ClaimPath(text) else { throw InvalidValue("empty") }
            return path
        }
    }

    private static func names(_ algorithms: [SignatureAlgorithm]) -> String {
        algorithms.map(\.rawValue).joined(separator: ",")
    }

    static func algorithms(_ text: String) throws(InvalidValue) -> [SignatureAlgorithm] {
        var algorithms: [SignatureAlgorithm] = []
        for item in text.split(whereSeparator: { $0 == "," || $0 == " " }) {
            guard let algorithm = SignatureAlgorithm(alg: String(item)), algorithm != .hs256 else {
                throw InvalidValue("not a list of \(names(SignatureAlgorithm.withPublicKey))")
            }
            algorithms.append(algorithm)
        }
        guard !algorithms.isEmpty else { throw InvalidValue("empty") }
        return algorithms
    }

    private static func reason<Value>(_ parse: () throws(KeySetError) -> Value) throws(InvalidValue) -> Value {
        do {
            return try parse()
        } catch {
            throw InvalidValue("\(error)")
        }
    }
}
