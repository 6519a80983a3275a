import StreamIssuing
import TestSupport
import Testing

@testable import PostgreSQLTrackStore

@Suite struct InvalidationPayloadTests {
    private static let user = ULID("01HXK5Z8J3QW9R7N2M4P6T8V0B")!
    private static let track = ULID("01HXK5Z8J3QW9R7N2M4P6T8V0C")!

    @Test(arguments: [
        Row("\(user) \(track) deletion", Invalidation(.track(user: user, track: track), reason: .deletion)),
        Row("\(user) * logout", Invalidation(.user(user), reason: .logout)),
        Row("* * status_change", Invalidation(.everything, reason: .statusChange)),
    ])
    func invalidationOfThreeWordsRoundTrips(_ row: Row<Invalidation>) {
        #expect(InvalidationPayload.decode(row.name) == row.value)
        #expect(InvalidationPayload.encode(row.value) == row.name)
    }

    @Test(arguments: [
        "", " ", "   ", "*", "* *", "* * ", "* * unknown", "* * logout ", " * * logout", "*  * logout",
        "* * logout more", "* * LOGOUT",
        "* \(track) deletion", "\(user) \(track)", "\(user) ** deletion", "\(user)x * logout", "unknown * logout",
        "* *\tlogout",
        "'; drop table users; --", String(repeating: "* ", count: 4000),
    ])
    func anyOtherTextIsNil(text: String) {
        #expect(InvalidationPayload.decode(text) == nil)
    }
}
