import TestSupport
import Testing

@testable import SealedCache

@Suite struct ClusterSlotsTests {
    private static let asked = NodeAddress(host: "seed", port: 7000)

    private static func bulk(_ text: String) -> RESPReply { .bulk(Array(text.utf8)) }

    private static func range(_ first: Int64, _ last: Int64, _ host: RESPReply, _ port: Int64) -> RESPReply {
        .array([
            .integer(first), .integer(last), .array([host, .integer(port), bulk("id"), .array([])]),
            .array([bulk("replica"), .integer(1), bulk("id"), .array([])]),
        ])
    }

    private func slots(_ ranges: [RESPReply]) throws -> ClusterSlots {
        try ClusterSlots(.array(ranges), answeredBy: Self.asked)
    }

    @Test func eachSlotHasTheMasterOfItsRange() throws {
        let slots = try slots([
            Self.range(0, 5460, Self.bulk("a"), 1), Self.range(5461, 16_383, Self.bulk("b"), 2),
        ])
        #expect(slots.masters == [NodeAddress(host: "a", port: 1), NodeAddress(host: "b", port: 2)])
        #expect(slots.master(of: 5460)?.host == "a" && slots.master(of: 5461)?.host == "b")
        #expect(slots.isComplete)
    }

    @Test(arguments: [bulk(""), bulk("?"), .null])
    func hostThatIsNotNamedIsTheOneThatAnswered(_ host: RESPReply) throws {
        #expect(try slots([Self.range(0, 0, host, 1)]).master(of: 0) == NodeAddress(host: "seed", port: 1))
    }

    @Test func slotWithoutAMasterIsSeen() throws {
        let slots = try slots([Self.range(1, 16_383, Self.bulk("a"), 1)])
        #expect(slots.master(of: 0) == nil && !slots.isComplete)
    }

    @Test func movedSlotHasItsNewMaster() throws {
        var slots = try slots([Self.range(0, 16_383, Self.bulk("a"), 1)])
        slots.assign(7, to: NodeAddress(host: "b", port: 2))
        #expect(slots.master(of: 7)?.host == "b" && slots.master(of: 8)?.host == "a")
    }

    @Test(
        arguments: [
            Row("no array", .status("OK")), Row("no range", .array([.integer(1)])),
            Row("slot too high", .array([range(0, 16_384, bulk("a"), 1)])),
            Row("negative slot", .array([range(-1, 3, bulk("a"), 1)])),
            Row("backwards", .array([range(3, 2, bulk("a"), 1)])),
            Row("port 0", .array([range(0, 1, bulk("a"), 0)])),
            Row("port too high", .array([range(0, 1, bulk("a"), 65_536)])),
            Row("no master", .array([.array([.integer(0), .integer(1)])])),
        ] as [Row<RESPReply>])
    func badReplyIsAnError(_ row: Row<RESPReply>) {
        #expect(throws: ValueStoreError.unexpectedReply) {
            try ClusterSlots(row.value, answeredBy: Self.asked)
        }
    }

    @Test func redirectionNamesSlotAndNode() throws {
        let moved = try #require(Redirection("MOVED 3999 127.0.0.1:6381"))
        #expect(moved.kind == .moved && moved.slot == 3999)
        #expect(moved.node(answeredBy: Self.asked) == NodeAddress(host: "127.0.0.1", port: 6381))
        let ask = try #require(Redirection("ASK 1 ::1:6380"))
        #expect(ask.kind == .ask && ask.node(answeredBy: Self.asked) == NodeAddress(host: "::1", port: 6380))
        #expect(Redirection("MOVED 1 :6380")?.node(answeredBy: Self.asked) == NodeAddress(host: "seed", port: 6380))
        #expect(Redirection("MOVED 1 ?:6380")?.node(answeredBy: Self.asked) == NodeAddress(host: "seed", port: 6380))
    }

    @Test(arguments: [
        "MOVED", "MOVED 1", "MOVED x h:1", "MOVED 16384 h:1", "MOVED -1 h:1", "MOVED 1 h", "MOVED 1 h:0", "ERR 1 h:1",
        "MOVED 1 h:x", "",
    ])
    func malformedRedirectionIsNone(_ error: String) { #expect(Redirection(error) == nil) }
}
