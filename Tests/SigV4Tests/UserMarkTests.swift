import Cryptography
import StreamIssuing
import Testing

@testable import SigV4

@Suite("The mark of a URL's user")
struct UserMarkTests {
    private static let alice = ULID("01HXK0000000000000000A11CE")!
    private static let key = SymmetricKey(0..<32)

    @Test("The hash is HMAC-SHA-256 of the user under a key that follows from the ring's")
    func markIsTheSpecifiedHash() throws {
        let mark = try UserMarker(Self.key).mark(UserSession(user: Self.alice, epoch: 23))
        // derived = hmac(key, "novatune x-nt-u"); hmac(derived, "novatune key name")[:8] + hmac(derived, user)[:32],
        // computed by Python's hmac.
        #expect(mark.text == "ee9ffc1a55147a32a4a54a5887b6a5fb48e4132d0000000000000017")
        #expect(UserMark(mark.text) == mark && mark.epoch == 23)
        #expect(mark.keyName == "ee9ffc1a55147a32a4a54a5887b6a5fb48e4132d0000000000000017".prefix(8))
    }

    @Test("Users, keys and own calls have marks of their own")
    func marksDiffer() throws {
        let marker = try UserMarker(Self.key)
        let other = try UserMarker(SymmetricKey(1..<33))
        let marks = [
            marker.mark(UserSession(user: Self.alice, epoch: 1)).user,
            marker.mark(UserSession(user: ULID("01HXK0000000000000000000B0")!, epoch: 1)).user,
            marker.mark(nil).user, other.mark(UserSession(user: Self.alice, epoch: 1)).user,
        ]
        #expect(Set(marks).count == 4)
    }

    @Test(
        "Any other text is no mark",
        arguments: [
            "", String(repeating: "0", count: 55), String(repeating: "0", count: 57),
            String(repeating: "A", count: 56), String(repeating: "0", count: 55) + "g",
            String(repeating: "0", count: 40) + "8000000000000000", String(repeating: "0", count: 54) + "é",
            String(repeating: "0", count: 40) + "+000000000000001",
        ])
    func malformedMarkIsRefused(_ text: String) {
        #expect(UserMark(text) == nil)
    }

    @Test("The parameter is part of the signed query, after the content type, and sent before the signature's")
    func parameterIsSigned() throws {
        let presigner = Presigner(
            credentials: Credentials(accessKeyID: "id", secretAccessKey: "secret"), region: "r",
            endpoint: try #require(Endpoint("https://s3.example.com")), bucket: "media", addressing: .path)
        func url(_ value: String?) throws -> String {
            try presigner.presign(
                key: "k", responseContentType: "audio/mpeg", parameter: value.map { (UserMark.parameter, $0) },
                at: UnixTime(seconds: 1_767_875_520), expiry: .seconds(120))
        }
        let (first, second, without) = (try url("00"), try url("01"), try url(nil))
        #expect(first.contains("?response-content-type=audio%2Fmpeg&x-nt-u=00&X-Amz-Algorithm="))
        #expect(!without.contains("x-nt-u"))
        // Computed by Python from the parameters in the order of their names.
        #expect(first.hasSuffix("&X-Amz-Signature=4e4c9c7edbfd51a9c5133fc02c10b6b8700e82ac5f713815501ab7bbe50bff89"))
        #expect(Set([first, second, without].map { $0.suffix(64) }).count == 3)
    }
}
