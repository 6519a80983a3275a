import StreamIssuing
import TestSupport
import Testing

/// OpenID Connect Core 1.0 §2, and what `novatune.user_identities` can hold.
@Suite struct UserIdentityTests {
    private static let issuer = "https://login.example.com/realms/music"

    @Test(arguments: [
        "248289761001", "auth0|6045f2", "f47ac10b-58cc-4372-a567-0e02b2c3d479", "a", " ", "alice@example.com", "ünï",
        "日本", "a\u{A0}b", "\u{1F3B5}", #"'"\"#, String(repeating: "s", count: 255), String(repeating: "é", count: 127),
    ])
    func subjectOfAProviderIsKept(_ subject: String) throws {
        let identity = try #require(UserIdentity(issuer: Self.issuer, subject: subject))
        #expect(identity.issuer == Self.issuer && identity.subject.exposeSecret() == subject)
    }

    @Test(arguments: [
        Row("empty", ""), Row("256 bytes", String(repeating: "s", count: 256)),
        Row("256 bytes of 128 characters", String(repeating: "é", count: 128)),
        Row("NUL", "alice\0"), Row("NUL first", "\0alice"), Row("line feed", "alice\n"), Row("tab", "a\tb"),
        Row("U+001F", "a\u{1F}"), Row("DEL", "a\u{7F}"), Row("U+0080", "a\u{80}"), Row("U+009F", "a\u{9F}"),
    ])
    func subjectThatNoIdentityHasIsRefused(_ row: Row<String>) {
        #expect(UserIdentity(issuer: Self.issuer, subject: row.value) == nil)
        #expect(UserIdentity(issuer: row.value, subject: "s") == nil || row.value.utf8.count == 256)
    }

    @Test func issuerHasItsOwnLimit() {
        #expect(UserIdentity(issuer: String(repeating: "i", count: 2048), subject: "s") != nil)
        #expect(UserIdentity(issuer: String(repeating: "i", count: 2049), subject: "s") == nil)
    }

    @Test func identitiesAreComparedByteByByte() throws {
        let composed = try #require(UserIdentity(issuer: Self.issuer, subject: "\u{E9}"))
        let decomposed = try #require(UserIdentity(issuer: Self.issuer, subject: "e\u{301}"))
        #expect(composed != decomposed)
        #expect(composed == UserIdentity(issuer: Self.issuer, subject: "\u{E9}"))
        #expect(composed != UserIdentity(issuer: Self.issuer + "/", subject: "\u{E9}"))
        #expect(Set([composed, decomposed, composed]).count == 2)
    }

    @Test func subjectIsNeverPrinted() throws {
        let reference = UserReference.identity(try #require(UserIdentity(issuer: Self.issuer, subject: "alice-4711")))
        var dumped = ""
        dump(reference, to: &dumped)
        for text in ["\(reference)", String(reflecting: reference), dumped] {
            #expect(!text.contains("4711"), "\(text)")
        }
    }

    @Test func referenceByIDKnowsItsUser() throws {
        #expect(UserReference.id(Facts.userID).userID == Facts.userID)
        let identity = try #require(UserIdentity(issuer: Self.issuer, subject: Facts.userID.description))
        #expect(UserReference.identity(identity).userID == nil)
        #expect(UserReference.identity(identity) != .id(Facts.userID))
    }
}
