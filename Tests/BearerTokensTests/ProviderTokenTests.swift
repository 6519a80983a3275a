import BearerTokens
import StreamIssuing
import TestSupport
import Testing

/// Access tokens as identity providers issue them, with the settings of the guide's table (Deployment, "Your identity
/// provider").
@Suite struct ProviderTokenTests {
    struct Vector: Decodable, Sendable {
        let name: String
        let keys: String
        let token: String
    }

    struct TokenCase: Sendable, CustomTestStringConvertible {
        let name: String
        let issuer: String
        var audiences: [String] = []
        var clients: [String] = []
        var user = "sub"
        var roles = "roles"
        var role = "listener"
        /// The subject of the identity, the ULID, or the rejection's code.
        let outcome: String
        var testDescription: String { name }
    }

    private static let uuid = "0199b3a6-8f52-7c41-9d0e-3b1f5a7c2e44"
    private static let entra = "https://login.microsoftonline.com/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee/v2.0"

    @Test(arguments: [
        TokenCase(
            name: "keycloak", issuer: "https://keycloak.example/realms/music", audiences: ["novatune"],
            roles: "realm_access.roles", outcome: uuid),
        TokenCase(
            name: "keycloak-24-lightweight", issuer: "https://keycloak.example/realms/music", clients: ["player"],
            roles: "realm_access.roles", outcome: "no_user"),
        TokenCase(
            name: "keycloak-24-lightweight", issuer: "https://keycloak.example/realms/music", audiences: ["novatune"],
            roles: "realm_access.roles", outcome: "wrong_audience"),
        TokenCase(
            name: "entra-v2", issuer: entra, audiences: ["11111111-2222-4333-8444-555555555555"], user: "oid",
            outcome: uuid),
        TokenCase(
            name: "auth0", issuer: "https://tenant.eu.auth0.com/", audiences: ["https://novatune.example/api"],
            roles: "https://novatune.example/roles", outcome: "auth0|5f7c8ec7c33c6c004bbafe82"),
        TokenCase(
            name: "auth0", issuer: "https://tenant.eu.auth0.com/", audiences: ["https://novatune.example/api"],
            roles: "permissions", role: "stream:listen", outcome: "auth0|5f7c8ec7c33c6c004bbafe82"),
        TokenCase(
            name: "cognito-access", issuer: "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_EXAMPLE",
            clients: ["1example23456789"], roles: "cognito:groups", outcome: uuid),
        TokenCase(
            name: "cognito-access", issuer: "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_EXAMPLE",
            clients: ["another"], roles: "cognito:groups", outcome: "wrong_audience"),
        TokenCase(
            name: "okta", issuer: "https://org.okta.example/oauth2/default", audiences: ["api://default"], user: "uid",
            roles: "groups", outcome: "00u5t60iloOHN9pBi0h7"),
        TokenCase(
            name: "supabase", issuer: "https://project.supabase.co/auth/v1", audiences: ["authenticated"],
            roles: "role", role: "authenticated", outcome: uuid),
        TokenCase(
            name: "supabase", issuer: "https://project.supabase.co/auth/v1", audiences: ["authenticated"],
            roles: "/app_metadata/roles", outcome: uuid),
        TokenCase(
            name: "at-jwt-rfc9068", issuer: "https://authorization-server.example.com/",
            audiences: ["https://rs.example.com/"], roles: "scope", role: "profile", outcome: "expired"),
        TokenCase(
            name: "uaa-jku", issuer: "https://uaa.example/oauth/token", audiences: ["novatune"], user: "user_id",
            roles: "scope", role: "novatune.listener", outcome: uuid),
        TokenCase(
            name: "float-dates", issuer: "https://issuer.example", audiences: ["novatune"],
            outcome: "01JZ0000000000000000000000"),
    ])
    func tokenHasItsUser(_ row: TokenCase) throws {
        #expect(try outcome(row) == row.outcome)
    }

    /// Microsoft signs another header than it sends.
    @Test func tokenForAnotherServiceOfMicrosoftHasABadSignature() throws {
        var row = TokenCase(
            name: "graph-nonce-header",
            issuer: "https://sts.windows.net/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee/",
            audiences: ["00000003-0000-0000-c000-000000000000"], outcome: "bad_signature")
        row.roles = "roles"
        #expect(try outcome(row, changingTheSignature: true) == row.outcome)
    }

    @Test func tokenWithoutTheRoleIsTheUsersAllTheSame() throws {
        let row = TokenCase(
            name: "keycloak", issuer: "https://keycloak.example/realms/music", audiences: ["novatune"],
            outcome: Self.uuid)
        #expect(try !listener(row).holdsListenerRole)
        #expect(try listener(row, .all).holdsListenerRole)
    }

    struct StatedCase: Sendable, CustomTestStringConvertible {
        let row: TokenCase
        /// As the provider's documentation has them, without the times.
        let claims: String
        var isRoleNeeded = true
        var testDescription: String { row.name }
    }

    @Test(arguments: [
        // Zitadel, "Claims": roles are the keys of a map.
        StatedCase(
            row: TokenCase(
                name: "zitadel", issuer: "https://instance.zitadel.cloud", audiences: ["165461784500000001"],
                roles: "urn:zitadel:iam:org:project:roles", outcome: "163840776835432705"),
            claims: #"""
                "iss":"https://instance.zitadel.cloud","aud":["165461784500000002@music","165461784500000001"],\#
                "sub":"163840776835432705","client_id":"165461784500000002@music",\#
                "urn:zitadel:iam:org:project:roles":{"listener":{"165459654500000000":"music.zitadel.cloud"}}
                """#),
        // Authentik, "OAuth2 provider": the scope profile adds groups.
        StatedCase(
            row: TokenCase(
                name: "authentik", issuer: "https://id.example/application/o/music/", audiences: ["Yk3Xa0Client"],
                roles: "groups", outcome: "8c0f6e0e4bb1f9a2c7d1d9d9c5d7b6a1f0c3e2d4a5b6c7d8e9f0a1b2c3d4e5f6"),
            claims: #"""
                "iss":"https://id.example/application/o/music/","aud":"Yk3Xa0Client","azp":"Yk3Xa0Client",\#
                "sub":"8c0f6e0e4bb1f9a2c7d1d9d9c5d7b6a1f0c3e2d4a5b6c7d8e9f0a1b2c3d4e5f6","acr":"goauthentik.io",\#
                "groups":["staff","listener"]
                """#),
        // Ory Hydra, "JSON Web Token access token strategy": aud is empty unless the client asks for one.
        StatedCase(
            row: TokenCase(
                name: "hydra", issuer: "https://hydra.example/", clients: ["player"], roles: "scp",
                outcome: "aeneas"),
            claims: #"""
                "iss":"https://hydra.example/","aud":[],"client_id":"player","sub":"aeneas","ext":{},\#
                "scp":["offline","listener"]
                """#),
        // Firebase, "Verify ID Tokens".
        StatedCase(
            row: TokenCase(
                name: "firebase", issuer: "https://securetoken.google.com/music-1234", audiences: ["music-1234"],
                outcome: "kZ3bP9YxWQhT2aV7nR5sL1mC8dE4"),
            claims: #"""
                "iss":"https://securetoken.google.com/music-1234","aud":"music-1234","auth_time":1767875000,\#
                "user_id":"kZ3bP9YxWQhT2aV7nR5sL1mC8dE4","sub":"kZ3bP9YxWQhT2aV7nR5sL1mC8dE4",\#
                "firebase":{"identities":{},"sign_in_provider":"password"}
                """#, isRoleNeeded: false),
        // Clerk, "Session tokens": azp is the origin of the page.
        StatedCase(
            row: TokenCase(
                name: "clerk", issuer: "https://clerk.music.example", clients: ["https://music.example"],
                outcome: "user_2c6Tqv0QyqzR5xkWfGm8nJtY3bH"),
            claims: #"""
                "iss":"https://clerk.music.example","azp":"https://music.example","v":2,"fva":[0,-1],\#
                "sid":"sess_2c6Tr0","sub":"user_2c6Tqv0QyqzR5xkWfGm8nJtY3bH","sts":"active"
                """#, isRoleNeeded: false),
        // Google, "OpenID Connect": an ID token.
        StatedCase(
            row: TokenCase(
                name: "google", issuer: "https://accounts.google.com",
                audiences: ["1234987819200.apps.googleusercontent.com"], outcome: "10769150350006150715113082367"),
            claims: #"""
                "iss":"https://accounts.google.com","azp":"1234987819200.apps.googleusercontent.com",\#
                "aud":"1234987819200.apps.googleusercontent.com","sub":"10769150350006150715113082367",\#
                "at_hash":"HK6E_P6Dh8Y93mRNtsDB1Q","hd":"example.com"
                """#, isRoleNeeded: false),
    ])
    func tokenWithTheClaimsThatItsProviderDocumentsHasItsUser(_ provider: StatedCase) throws {
        let row = provider.row
        let requirements = ClaimRequirements(
            issuers: [row.issuer], audiences: row.audiences, clients: row.clients,
            userClaim: try #require(ClaimPath(row.user)), rolesClaim: try #require(ClaimPath(row.roles)),
            listeners: provider.isRoleNeeded ? .withRole(row.role) : .all)
        let (now, text) = (TestToken.now, provider.claims)
        let token = try TestToken.make(claims: "{\(text),\"iat\":\(now - 60),\"nbf\":\(now - 60),\"exp\":\(now + 600)}")
        let listener = try TestToken.verifier(requirements: requirements).verify(authorization: "Bearer \(token)")
        #expect(listener.holdsListenerRole)
        #expect(listener.user == .identity(try #require(UserIdentity(issuer: row.issuer, subject: row.outcome))))
    }

    private func listener(
        _ row: TokenCase, _ listeners: ClaimRequirements.Listeners? = nil, changingTheSignature: Bool = false
    ) throws -> Listener {
        let vectors = try VectorFile("providers.jsonl").jsonLines(Vector.self)
        let vector = try #require(vectors.first { $0.name == row.name })
        let keys = try PublishedKeys(jsonWebKeySet: Array(vector.keys.utf8)).bounded(by: SignatureAlgorithm.usual)
        let requirements = ClaimRequirements(
            issuers: [row.issuer], audiences: row.audiences, clients: row.clients,
            userClaim: try #require(ClaimPath(row.user)), rolesClaim: try #require(ClaimPath(row.roles)),
            listeners: listeners ?? .withRole(row.role))
        let token = changingTheSignature ? String(vector.token.dropLast(8)) + "AAAAAAAA" : vector.token
        return try TestToken.verifier(try KeySet(keys), requirements).verify(authorization: "Bearer \(token)")
    }

    private func outcome(_ row: TokenCase, changingTheSignature: Bool = false) throws -> String {
        do {
            let listener = try listener(row, changingTheSignature: changingTheSignature)
            #expect(listener.holdsListenerRole)
            switch listener.user {
            case .id(let id): return id.description
            case .identity(let identity):
                #expect(identity.issuer == row.issuer)
                return identity.subject.exposeSecret()
            }
        } catch let rejection as TokenRejection {
            return rejection.rawValue
        }
    }
}
