/// The claims that a token must have to be accepted by this service.
public struct ClaimRequirements: Sendable, Equatable {
    /// Which users may listen.
    public enum Listeners: Sendable, Equatable {
        /// Those whose token names this role, in any case of letters.
        case withRole(String)
        /// Each user of the provider.
        case all
    }

    /// One of them is the token's `iss`, compared byte by byte.
    public var issuers: [String]
    /// One of them is among the token's audiences (`aud`).
    public var audiences: [String]
    /// For tokens without `aud`: one of them is the token's `client_id` or `azp` (RFC 8693 §4.3; OpenID Connect Core
    /// §2).
    public var clients: [String]
    /// The claim that names the user: a ULID, or the subject of a linked identity.
    public var userClaim: ClaimPath
    public var rolesClaim: ClaimPath
    public var listeners: Listeners

    public init(
        issuers: [String], audiences: [String], clients: [String] = [],
        userClaim: ClaimPath = .subject, rolesClaim: ClaimPath = .roles, listeners: Listeners = .withRole("listener")
    ) {
        self.issuers = issuers
        self.audiences = audiences
        self.clients = clients
        self.userClaim = userClaim
        self.rolesClaim = rolesClaim
        self.listeners = listeners
    }
}

extension ClaimPath {
    public static let subject = ClaimPath(name: "sub")
    public static let roles = ClaimPath(name: "roles")
}
