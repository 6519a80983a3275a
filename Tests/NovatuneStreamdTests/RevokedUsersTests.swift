import Cryptography
import PostgreSQLTrackStore
import SigV4
import StoreAuthorization
import StreamIssuing
import Testing

@testable import novatune_streamd

@Suite("The list of revocations that decisions go by")
struct RevokedUsersTests {
    private static let user = "01HXK0000000000000000A11CE"
    private static let start = ContinuousClock.now

    private func ring(_ keys: [String: Int]) throws -> KeyRing {
        try KeyRing(
            current: keys.keys.sorted()[0],
            keys: keys.mapValues { first in SymmetricKey((0..<32).map { UInt8($0 + first) }) })
    }

    private func users(_ keys: [String: Int] = ["v1": 0], maximumAge: Duration = .seconds(600)) throws -> RevokedUsers {
        try RevokedUsers(try ring(keys), expiry: .seconds(120), maximumAge: maximumAge)
    }

    private func row(_ position: Int64, upTo epoch: Int64 = 1) -> UserRevocation {
        UserRevocation(position: position, user: Self.user, extent: .sessions(upTo: epoch))
    }

    @Test("Before the first reading, and where nothing is recorded, there is none")
    func noListIsCurrent() throws {
        let users = try users()
        #expect(users.current == nil)
        users.take(.rows([row(1)]), at: Self.start)
        #expect(users.current != nil && users.count == 1)
        users.take(.notRecorded, at: Self.start)
        #expect(users.current == nil)
        users.take(.unchanged, at: Self.start)
        #expect(users.current != nil && users.count == 1)
        users.take(.tooLong, at: Self.start)
        #expect(users.current == nil)
    }

    @Test("A list that was read too long ago is none")
    func oldListIsNotCurrent() throws {
        let users = try users(maximumAge: .seconds(30))
        users.take(.rows([]), at: Self.start.advanced(by: .seconds(-31)))
        #expect(users.current == nil)
        users.take(.unchanged, at: .now)
        #expect(users.current != nil)
    }

    @Test("Each key of the ring has its entries, and another ring brings others")
    func keysOfTheRing() throws {
        let users = try users(["v1": 0, "v2": 1])
        users.take(.rows([row(1)]), at: Self.start)
        #expect(users.count == 2)
        try users.use(try ring(["v2": 1]))
        #expect(users.count == 1 && users.current != nil)
    }

    @Test("A row is outdated once it has been known for as long as URLs live and clocks differ")
    func rowsBecomeOutdated() throws {
        let users = try users()
        users.take(.rows([row(1)]), at: Self.start)
        users.take(.rows([row(1), row(2)]), at: Self.start.advanced(by: .seconds(60)))
        #expect(users.outdated(at: Self.start.advanced(by: .seconds(1020))) == [])
        #expect(users.outdated(at: Self.start.advanced(by: .seconds(1021))) == [1])
        #expect(users.outdated(at: Self.start.advanced(by: .seconds(1081))).sorted() == [1, 2])
        users.take(.rows([row(2)]), at: Self.start.advanced(by: .seconds(1081)))
        #expect(users.outdated(at: Self.start.advanced(by: .seconds(1081))) == [2])
    }

    @Test("Another row with a known position is known since it came")
    func positionIsUsedAgain() throws {
        let users = try users()
        users.take(.rows([row(1), row(2)]), at: Self.start)
        users.take(.rows([row(1, upTo: 2), row(2)]), at: Self.start.advanced(by: .seconds(60)))
        #expect(users.outdated(at: Self.start.advanced(by: .seconds(1021))) == [2])
        #expect(users.outdated(at: Self.start.advanced(by: .seconds(1081))).sorted() == [1, 2])
    }
}
