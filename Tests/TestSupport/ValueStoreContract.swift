public import SealedCache
import Testing

/// What every value store must do. One suite for all backends: each check stands alone, on keys of its own.
public struct ValueStoreContract {
    private let store: any ValueStore
    private let keyPrefix: String
    private let letTimePass: (Duration) -> Void

    /// - Parameters:
    ///   - keyPrefix: so that checks on a shared server do not meet what others left there.
    ///   - letTimePass: moves the clock that values expire by; on a live server it waits.
    public init(_ store: any ValueStore, keyPrefix: String = "contract", letTimePass: @escaping (Duration) -> Void) {
        self.store = store
        self.keyPrefix = keyPrefix
        self.letTimePass = letTimePass
    }

    /// Each check by its name, for parameterised tests.
    public static let checks: [Row<@Sendable (ValueStoreContract) throws -> Void>] = [
        Row("absentKeyHasNoValue") { try $0.absentKeyHasNoValue() },
        Row("storedValueIsRead") { try $0.storedValueIsRead() },
        Row("laterValueReplacesEarlier") { try $0.laterValueReplacesEarlier() },
        Row("removedValueIsAbsentAndOthersStay") { try $0.removedValueIsAbsentAndOthersStay() },
        Row("removingAnAbsentKeySucceeds") { try $0.removingAnAbsentKeySucceeds() },
        Row("bytesOfEveryKindRoundTrip") { try $0.bytesOfEveryKindRoundTrip() },
        Row("emptyValueIsNotAbsent") { try $0.emptyValueIsNotAbsent() },
        Row("largeValueRoundTrips") { try $0.largeValueRoundTrips() },
        Row("valueExpiresWithItsTimeToLive") { try $0.valueExpiresWithItsTimeToLive() },
        Row("readingDoesNotExtendTimeToLive") { try $0.readingDoesNotExtendTimeToLive() },
        Row("secondWriteReplacesTheTimeToLive") { try $0.secondWriteReplacesTheTimeToLive() },
        Row("similarKeysAreDifferent") { try $0.similarKeysAreDifferent() },
        Row("removingAValueReportsWhetherItWasPresent") { try $0.removingAValueReportsWhetherItWasPresent() },
        Row("removingAGroupLeavesOtherGroups") { try $0.removingAGroupLeavesOtherGroups() },
        Row("removingAnUnknownGroupRemovesNothing") { try $0.removingAnUnknownGroupRemovesNothing() },
        Row("groupDropsRemovedAndReplacedValues") { try $0.groupDropsRemovedAndReplacedValues() },
        Row("shortLivedValueDoesNotShortenItsGroup") { try $0.shortLivedValueDoesNotShortenItsGroup() },
        Row("groupOfThousandsIsRemovedCompletely") { try $0.groupOfThousandsIsRemovedCompletely() },
        Row("removingUnderAPrefixLeavesOtherPrefixes") { try $0.removingUnderAPrefixLeavesOtherPrefixes() },
        Row("counterRisesAndIsNoValue") { try $0.counterRisesAndIsNoValue() },
        Row("probeSucceedsAndLeavesNothing") { try $0.probeSucceedsAndLeavesNothing() },
    ]

    private var group: String { group("group") }

    private func group(_ name: String) -> String { "\(keyPrefix):\(name)" }

    /// A key begins with its group.
    private func key(_ name: String) -> String { "\(group):\(name)" }

    /// A prefix has no colon.
    private func prefix(_ name: String) -> String { "\(keyPrefix)-\(name)" }

    private func counterRisesAndIsNoValue() throws {
        // Beside the keys of the group, as a counter of the cache is beside its prefix.
        let counter = "\(keyPrefix)-counter:one"
        let before = try store.add(0, toCounter: counter)
        #expect(try store.add(5, toCounter: counter) == before + 5)
        #expect(try store.add(1 << 33, toCounter: counter) == before + 5 + (1 << 33))
        #expect(try store.add(0, toCounter: "\(counter)-other") == 0)
        try store.removeValues(under: keyPrefix)
        #expect(
            try store.add(0, toCounter: counter) == before + 5 + (1 << 33),
            "removing entries must not change counters")
    }

    private func absentKeyHasNoValue() throws {
        #expect(try store.value(forKey: key("absent")) == nil)
    }

    private func storedValueIsRead() throws {
        try store.setValue([1, 2, 3], forKey: key("stored"), in: group, timeToLive: .seconds(60))
        #expect(try store.value(forKey: key("stored")) == [1, 2, 3])
        #expect(try store.value(forKey: key("stored")) == [1, 2, 3], "a read must not remove the value")
    }

    private func laterValueReplacesEarlier() throws {
        try store.setValue([1, 1, 1, 1], forKey: key("replaced"), in: group, timeToLive: .seconds(60))
        try store.setValue([2], forKey: key("replaced"), in: group, timeToLive: .seconds(60))
        #expect(try store.value(forKey: key("replaced")) == [2])
    }

    private func removedValueIsAbsentAndOthersStay() throws {
        try store.setValue([1], forKey: key("removed"), in: group, timeToLive: .seconds(60))
        try store.setValue([2], forKey: key("kept"), in: group, timeToLive: .seconds(60))
        try store.removeValue(forKey: key("removed"), in: group)
        #expect(try store.value(forKey: key("removed")) == nil)
        #expect(try store.value(forKey: key("kept")) == [2])
    }

    private func removingAnAbsentKeySucceeds() throws {
        try store.removeValue(forKey: key("never-there"), in: group)
        #expect(try store.value(forKey: key("never-there")) == nil)
    }

    private func bytesOfEveryKindRoundTrip() throws {
        let values: [[UInt8]] = [
            [0], [0, 0, 0], [13, 10], [10, 13, 10], Array("$-1\r\n".utf8), Array("*1\r\n$4\r\nPING\r\n".utf8),
            [0xFF, 0xFE, 0x00, 0x80],
            Array(0...255),
        ]
        for (index, value) in values.enumerated() {
            try store.setValue(value, forKey: key("bytes-\(index)"), in: group, timeToLive: .seconds(60))
        }
        for (index, value) in values.enumerated() {
            #expect(try store.value(forKey: key("bytes-\(index)")) == value)
        }
    }

    private func emptyValueIsNotAbsent() throws {
        try store.setValue([], forKey: key("empty"), in: group, timeToLive: .seconds(60))
        #expect(try store.value(forKey: key("empty")) == [])
    }

    private func largeValueRoundTrips() throws {
        var random = SeededRandom(seed: 64)
        let value = (0..<65_536).map { _ in UInt8.random(in: 0...255, using: &random) }
        try store.setValue(value, forKey: key("large"), in: group, timeToLive: .seconds(60))
        #expect(try store.value(forKey: key("large")) == value)
    }

    private func valueExpiresWithItsTimeToLive() throws {
        try store.setValue([2], forKey: key("long"), in: group, timeToLive: .seconds(60))
        let (value, timeToLive) = try readBeforeItsEnd("short", timeToLive: .milliseconds(400), after: .zero)
        #expect(value == [1])
        letTimePass(timeToLive * 3 / 2)
        #expect(try store.value(forKey: key("short")) == nil)
        #expect(try store.value(forKey: key("long")) == [2])
    }

    private func readingDoesNotExtendTimeToLive() throws {
        let (value, timeToLive) = try readBeforeItsEnd(
            "read", timeToLive: .milliseconds(800), after: .milliseconds(400))
        #expect(value == [1])
        letTimePass(timeToLive * 3 / 4)
        #expect(try store.value(forKey: key("read")) == nil)
    }

    /// Stores `[1]`, lets time pass and reads it. Where a busy machine delayed the read past the end of the value, an
    /// absent value tells nothing of the store: the check begins again with twice the times.
    ///
    /// - Returns: what the read returned, and for how long the value was stored.
    private func readBeforeItsEnd(
        _ name: String, timeToLive: Duration, after wait: Duration
    ) throws -> (value: [UInt8]?, timeToLive: Duration) {
        var (timeToLive, wait) = (timeToLive, wait)
        while true {
            let start = ContinuousClock.now
            try store.setValue([1], forKey: key(name), in: group, timeToLive: timeToLive)
            letTimePass(wait)
            let value = try store.value(forKey: key(name))
            if ContinuousClock.now - start < timeToLive { return (value, timeToLive) }
            (timeToLive, wait) = (timeToLive * 2, wait * 2)
        }
    }

    private func secondWriteReplacesTheTimeToLive() throws {
        try store.setValue([1], forKey: key("again"), in: group, timeToLive: .milliseconds(400))
        try store.setValue([2], forKey: key("again"), in: group, timeToLive: .seconds(60))
        letTimePass(.milliseconds(600))
        #expect(try store.value(forKey: key("again")) == [2])
    }

    private func similarKeysAreDifferent() throws {
        let keys = ["a:b", "a:b:", "A:B", "a b", "a\r\nb", "a"].map(key)
        for (index, key) in keys.enumerated() {
            try store.setValue([UInt8(index)], forKey: key, in: group, timeToLive: .seconds(60))
        }
        for (index, key) in keys.enumerated() { #expect(try store.value(forKey: key) == [UInt8(index)]) }
    }

    private func removingAValueReportsWhetherItWasPresent() throws {
        try store.setValue([1], forKey: key("said"), in: group, timeToLive: .seconds(60))
        #expect(try store.removeValue(forKey: key("said"), in: group))
        #expect(try !store.removeValue(forKey: key("said"), in: group))
    }

    private func removingAGroupLeavesOtherGroups() throws {
        let (mine, other) = (group("mine"), group("other"))
        for number in 0..<3 {
            try store.setValue([1], forKey: "\(mine):\(number)", in: mine, timeToLive: .seconds(60))
            try store.setValue([2], forKey: "\(other):\(number)", in: other, timeToLive: .seconds(60))
        }
        #expect(try store.removeValues(in: mine) == 3)
        for number in 0..<3 {
            #expect(try store.value(forKey: "\(mine):\(number)") == nil)
            #expect(try store.value(forKey: "\(other):\(number)") == [2])
        }
        #expect(try store.removeValues(in: mine) == 0)
        #expect(try store.removeValues(in: other) == 3)
    }

    private func removingAnUnknownGroupRemovesNothing() throws {
        #expect(try store.removeValues(in: group("unknown")) == 0)
        #expect(try store.removeValues(under: prefix("unknown")) == 0)
    }

    private func groupDropsRemovedAndReplacedValues() throws {
        let own = group("forgetful")
        for name in ["a", "b", "c"] {
            try store.setValue([1], forKey: "\(own):\(name)", in: own, timeToLive: .seconds(60))
        }
        try store.removeValue(forKey: "\(own):b", in: own)
        try store.setValue([2], forKey: "\(own):c", in: own, timeToLive: .seconds(60))
        #expect(try store.removeValues(in: own) == 2)
    }

    private func shortLivedValueDoesNotShortenItsGroup() throws {
        let own = group("long-lived")
        try store.setValue([1], forKey: "\(own):long", in: own, timeToLive: .seconds(60))
        try store.setValue([1], forKey: "\(own):short", in: own, timeToLive: .milliseconds(400))
        letTimePass(.milliseconds(600))
        #expect(try store.value(forKey: "\(own):short") == nil)
        try store.removeValues(in: own)
        #expect(try store.value(forKey: "\(own):long") == nil)
    }

    private func groupOfThousandsIsRemovedCompletely() throws {
        let own = group("crowd")
        for number in 0..<1500 {
            try store.setValue([1], forKey: "\(own):\(number)", in: own, timeToLive: .seconds(60))
        }
        #expect(try store.removeValues(in: own) == 1500)
        for number in stride(from: 0, to: 1500, by: 100) { #expect(try store.value(forKey: "\(own):\(number)") == nil) }
    }

    /// A prefix may hold what patterns give a meaning to, and one may begin with another.
    private func removingUnderAPrefixLeavesOtherPrefixes() throws {
        let prefixes = ["p", "p2", "p[0-9]*", "p?"].map(prefix)
        for prefix in prefixes {
            for number in 0..<3 {
                try store.setValue([1], forKey: "\(prefix):g:\(number)", in: "\(prefix):g", timeToLive: .seconds(60))
            }
        }
        #expect(try store.removeValues(under: prefixes[2]) == 3)
        #expect(try store.removeValues(under: prefixes[0]) == 3)
        for prefix in [prefixes[1], prefixes[3]] { #expect(try store.value(forKey: "\(prefix):g:2") == [1]) }
        for prefix in prefixes {
            #expect(
                try store.removeValues(in: "\(prefix):g") == (prefix == prefixes[1] || prefix == prefixes[3] ? 3 : 0))
        }
    }

    private func probeSucceedsAndLeavesNothing() throws {
        let prefix = prefix("probed")
        for _ in 0..<3 { try store.probe(under: prefix) }
        // A probe's key is left out under its own prefix, not under a longer one.
        #expect(try store.removeValues(under: "\(prefix):probe") == 0)
    }
}
