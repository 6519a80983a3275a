@testable import SealedCache
import TestSupport
import Testing

@Suite struct MemoryStoreTests {
    private func keys(_ store: MemoryStore, of candidates: [String]) throws -> [String] {
        try candidates.filter { try store.value(forKey: $0) != nil }
    }

    @Test func leastRecentlyUsedEntryIsEvictedFirst() throws {
        let store = MemoryStore(limits: .init(entries: 3))
        for key in ["a", "b", "c"] { try store.setValue([1], forKey: key, in: "g", timeToLive: .seconds(60)) }
        _ = try store.value(forKey: "a")
        try store.setValue([1], forKey: "d", in: "g", timeToLive: .seconds(60))
        #expect(try keys(store, of: ["a", "b", "c", "d"]) == ["a", "c", "d"])
        try store.setValue([2], forKey: "a", in: "g", timeToLive: .seconds(60))
        try store.setValue([1], forKey: "e", in: "g", timeToLive: .seconds(60))
        #expect(try keys(store, of: ["a", "b", "c", "d", "e"]) == ["a", "d", "e"])
    }

    @Test func neverHoldsMoreEntriesThanItsLimit() throws {
        let store = MemoryStore(limits: .init(entries: 10))
        for number in 0..<1000 {
            try store.setValue([1], forKey: "\(number)", in: "g", timeToLive: .seconds(60))
            #expect(store.usage.entries == min(number + 1, 10))
        }
    }

    @Test func neverHoldsMoreBytesThanItsLimit() throws {
        let limit = 4 * (1 + 1 + 100 + MemoryStore.overheadInBytes)
        let store = MemoryStore(limits: .init(bytes: limit))
        for key in ["a", "b", "c", "d"] {
            try store.setValue([UInt8](repeating: 0, count: 100), forKey: key, in: "g", timeToLive: .seconds(60))
        }
        #expect(store.usage == (4, limit))
        try store.setValue([UInt8](repeating: 0, count: 101), forKey: "e", in: "g", timeToLive: .seconds(60))
        #expect(try keys(store, of: ["a", "b", "c", "d", "e"]) == ["c", "d", "e"])
        #expect(store.usage.bytes <= limit)
    }

    @Test func valueLargerThanTheLimitIsNotStoredAndEvictsNothing() throws {
        let store = MemoryStore(limits: .init(bytes: 1000))
        try store.setValue([1], forKey: "a", in: "g", timeToLive: .seconds(60))
        try store.setValue([UInt8](repeating: 0, count: 1000), forKey: "b", in: "g", timeToLive: .seconds(60))
        #expect(try keys(store, of: ["a", "b"]) == ["a"])
        // What it was to replace is no longer what the writer wants.
        try store.setValue([UInt8](repeating: 0, count: 1000), forKey: "a", in: "g", timeToLive: .seconds(60))
        #expect(try keys(store, of: ["a", "b"]) == [])
        #expect(store.usage == (0, 0))
    }

    @Test func readOfAnExpiredEntryReleasesItsSpace() throws {
        let clock = ManualClock()
        let store = MemoryStore(now: { clock.now })
        try store.setValue([1], forKey: "a", in: "g", timeToLive: .seconds(1))
        clock.advance(by: .milliseconds(999))
        #expect(try store.value(forKey: "a") == [1])
        clock.advance(by: .milliseconds(1))
        #expect(try store.value(forKey: "a") == nil)
        #expect(store.usage == (0, 0))
    }

    @Test func usageCountsStoredEntries() throws {
        let store = MemoryStore()
        try store.setValue([1, 2, 3], forKey: "key", in: "g", timeToLive: .seconds(60))
        #expect(store.usage == (1, 7 + MemoryStore.overheadInBytes))
        try store.setValue([1], forKey: "key", in: "g", timeToLive: .seconds(60))
        #expect(store.usage == (1, 5 + MemoryStore.overheadInBytes))
        try store.removeValue(forKey: "key", in: "g")
        #expect(store.usage == (0, 0))
    }

    /// A list and a dictionary that must agree are compared with the simplest thing that does the same.
    @Test func behavesLikeASimpleModel() throws {
        struct Model {
            var order: [String] = []
            var values: [String: [UInt8]] = [:]
        }
        var model = Model()
        let store = MemoryStore(limits: .init(entries: 8))
        var random = SeededRandom(seed: 6)
        func group(_ key: String) -> String { "g\(key.utf8.count):\(key.utf8.last! % 3)" }
        func forget(_ isForgotten: (String) -> Bool) {
            model.values = model.values.filter { !isForgotten($0.key) }
            model.order.removeAll(where: isForgotten)
        }
        for step in 0..<10_000 {
            let key = String(Int.random(in: 0..<16, using: &random))
            switch Int.random(in: 0..<9, using: &random) {
            case 0...3:
                let value = [UInt8.random(in: 0...255, using: &random)]
                try store.setValue(value, forKey: key, in: group(key), timeToLive: .seconds(60))
                model.order.removeAll { $0 == key }
                model.order.append(key)
                model.values[key] = value
                if model.order.count > 8 { model.values[model.order.removeFirst()] = nil }
            case 4, 5:
                #expect(try store.value(forKey: key) == model.values[key], "step \(step)")
                if let index = model.order.firstIndex(of: key) { model.order.append(model.order.remove(at: index)) }
            case 6, 7:
                #expect(
                    try store.removeValue(forKey: key, in: group(key)) == (model.values[key] != nil), "step \(step)")
                forget { $0 == key }
            default:
                let members = model.order.count { group($0) == group(key) }
                #expect(try store.removeValues(in: group(key)) == members, "step \(step)")
                forget { group($0) == group(key) }
            }
            #expect(store.usage.entries == model.order.count)
            #expect(store.groupCount == Set(model.order.map(group)).count)
        }
    }
}
