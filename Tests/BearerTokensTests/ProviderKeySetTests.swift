import BearerTokens
import TestSupport
import Testing

/// Key sets as identity providers publish them.
@Suite struct ProviderKeySetTests {
    struct KeySetCase: Sendable, CustomTestStringConvertible {
        let file: String
        let usable: [String]
        var skipped: [String] = []
        var allowed = SignatureAlgorithm.usual
        var testDescription: String { file }
    }

    private func published(_ file: String) throws -> PublishedKeys {
        try PublishedKeys(jsonWebKeySet: try VectorFile("Providers/\(file).json").bytes())
    }

    private static let keycloak = "U1MayerhVuRj8xtFR8hyMH9lCfVMKlb3TG7mbQAS19M"
    private static let supabase = "ES256 (kid acbb92e2-ca85-4122-b3c6-281a3d54cd82)"

    @Test(arguments: [
        KeySetCase(file: "jwks-keycloak-sig-only", usable: ["RS256 (kid \(keycloak))"]),
        KeySetCase(
            file: "jwks-keycloak-sig-and-enc", usable: ["RS256 (kid \(keycloak))"],
            skipped: ["kid lYXxnemSzWNBUoPug_h0hZnjPi5oKCmQ9awQJaZCWWM: use is not \"sig\""]),
        KeySetCase(
            file: "jwks-same-kid-sig-and-enc", usable: ["RS256 (kid 1565116946)"],
            skipped: ["kid 1565116946: use is not \"sig\""]),
        KeySetCase(file: "jwks-entra-2025", usable: ["RS256 (kid yEUwmXWL107Cc-7QZ2WSbeOb3sQ)"]),
        KeySetCase(
            file: "jwks-rs256-beside-ps256", usable: ["RS256 (kid \(keycloak))"],
            skipped: ["kid second-ps256: PS256 is not in NOVATUNE_JWT_ALGORITHMS"]),
        KeySetCase(
            file: "jwks-rs256-beside-ps256", usable: ["RS256 (kid \(keycloak))", "PS256 (kid second-ps256)"],
            allowed: [.rs256, .ps256]),
        KeySetCase(file: "jwks-ed25519-rfc9864", usable: ["EdDSA (kid k1)"]),
        KeySetCase(file: "jwks-ec-31-byte-coordinate", usable: ["ES256 (kid ec-31)"]),
        KeySetCase(file: "jwks-supabase-es256", usable: [supabase]),
        KeySetCase(file: "jwks-with-bom", usable: [supabase]),
    ])
    func usableKeysAreTakenAndOthersNamed(_ row: KeySetCase) throws {
        let keys = try published(row.file).bounded(by: row.allowed)
        #expect(keys.keys.map(\.description) == row.usable)
        #expect(keys.skipped.map(\.description) == row.skipped)
    }

    /// Of these, each key is usable, as RS256.
    @Test(
        arguments: [
            Row("jwks-google", 2), Row("jwks-apple", 3), Row("jwks-auth0", 2), Row("jwks-cognito", 2),
            Row("jwks-entra-common", 2),
        ] as [Row<Int>])
    func allKeysAreTaken(_ row: Row<Int>) throws {
        let keys = try published(row.name).bounded(by: SignatureAlgorithm.usual)
        #expect(keys.keys.count == row.value && keys.keys.allSatisfy { $0.algorithm == .rs256 })
        #expect(keys.skipped == [])
    }

    /// Fifteen keys of many kinds, of which eight have no `alg`.
    @Test func keysOfManyKindsAreUsableAsTheirTypeSays() throws {
        let keys = try published("jwks-paypal").bounded(by: SignatureAlgorithm.usual)
        #expect(keys.keys.filter { $0.algorithm == .rs256 }.count == 4)
        #expect(keys.keys.filter { $0.algorithm == .es256 }.count == 7 && keys.keys.count == 11)
        let reasons = ["crv is not Ed25519"] + Array(repeating: "PS256 is not in NOVATUNE_JWT_ALGORITHMS", count: 3)
        #expect(keys.skipped.map(\.reason) == reasons)
    }

    @Test(arguments: [
        Row("jwks-authentik-no-signing-key", "the provider publishes no signing key; it signs with HS256"),
        Row("jwks-supabase-hs256-project", "the provider publishes no signing key; it signs with HS256"),
        Row("firebase-x509-map", "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system"),
    ])
    func setWithoutAUsableKeyIsRefusedWithAdvice(_ row: Row<String>) throws {
        let error = #expect(throws: KeySetError.self) { try published(row.name) }
        #expect(try #require(error).description.contains(row.value))
    }
}
