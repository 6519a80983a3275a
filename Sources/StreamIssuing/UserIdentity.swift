/// The name that an identity provider gives to a user: the claims `iss` and `sub` (OpenID Connect Core 1.0 §2), or
/// another claim in the place of `sub`.
public struct UserIdentity: Sendable, Hashable {
    /// In bytes of UTF-8, as `novatune.user_identities` limits them.
    public static let issuerLimit = 2048
    /// In bytes of UTF-8. OpenID Connect Core 1.0 §2: 255 ASCII characters.
    public static let subjectLimit = 255

    /// Claim `iss`: 1 to 2048 bytes.
    public let issuer: String
    /// 1 to 255 bytes; personal data.
    public let subject: SecretText

    /// Nil for what the database can hold no identity of: a part that is empty, too long, or has control characters.
    public init?(issuer: String, subject: String) {
        guard Self.isAllowed(issuer, Self.issuerLimit), Self.isAllowed(subject, Self.subjectLimit) else { return nil }
        self.issuer = issuer
        self.subject = SecretText(subject)
    }

    /// U+0000 among the control characters: libpq would cut the text there, and so look for another identity.
    private static func isAllowed(_ text: String, _ limit: Int) -> Bool {
        (1...limit).contains(text.utf8.count)
            && text.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) }
    }

    /// Byte by byte, as the database compares: `==` of two strings is true for `é` in its two spellings.
    public static func == (left: UserIdentity, right: UserIdentity) -> Bool {
        left.issuer.utf8.elementsEqual(right.issuer.utf8)
            && left.subject.exposeSecret().utf8.elementsEqual(right.subject.exposeSecret().utf8)
    }

    public func hash(into hasher: inout Hasher) {
        // Equal bytes are equal strings.
        hasher.combine(issuer)
        hasher.combine(subject)
    }
}
