import TestSupport
import Testing

@testable import SealedCache

@Suite struct HashSlotTests {
    /// `123456789` is the check value of the specification; the others were asked of a server (CLUSTER KEYSLOT).
    @Test(
        arguments: [
            Row("123456789", 0x31C3), Row("", 0), Row("foo", 12_182), Row("bar", 5061),
            Row("{user1000}.following", 3443),
            Row("{user1000}.followers", 3443), Row("foo{}{bar}", 8363), Row("foo{{bar}}zap", 4015),
            Row("foo{bar}{zap}", 5061), Row("{", 4092), Row("a}{b", 11_640),
        ] as [Row<Int>])
    func slotIsThatOfTheSpecification(_ row: Row<Int>) { #expect(HashSlot.of(row.name) == row.value) }

    @Test func keysOfAUserAreInOneSlot() {
        let keys = ["p:U", "p:U:T", "p:U:index", "p:U:V"].map(ClusterKey.tagged)
        #expect(keys == ["p:{U}", "p:{U}:T", "p:{U}:index", "p:{U}:V"])
        #expect(Set(keys.map(HashSlot.of)).count == 1)
        #expect(ClusterKey.tagged("alone") == "alone")
    }

    /// A node of several has one range of slots or some, but not a slot of each sixteenth.
    @Test func probeReadsAKeyOfEachSixteenthOfTheSlots() {
        let slots = StoreCommands.spreadKeys(under: "stream").map(HashSlot.of)
        #expect(slots.map { $0 / 1024 } == Array(0..<16))
        #expect(StoreCommands.spreadKeys(under: "stream").allSatisfy { StoreCommands.isOfProbe($0, under: "stream") })
    }
}
