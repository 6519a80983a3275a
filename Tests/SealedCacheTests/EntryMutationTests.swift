@testable import SealedCache
import TestSupport
import Testing

@Suite struct EntryMutationTests {
    private static let key = "stream:01HXK5Z8J3QW9R7N2M4P6T8V0B:01HXK5Z8J3QW9R7N2M4P6T8V0C"
    private static let otherKey = "stream:01HXK5Z8J3QW9R7N2M4P6T8V0C:01HXK5Z8J3QW9R7N2M4P6T8V0C"
    private static let seed: UInt64 = 3

    /// Two values under one cache key, sealed with one version each; a ring that has both.
    private func values() throws -> (sealer: EntrySealer, good: [[UInt8]]) {
        let good = try ["v1", "v2"].map { version in
            try EntrySealer(try Rings.ring(current: version, ["v1": Rings.one, "v2": Rings.two]))
                .seal(Array("an entry sealed with \(version)".utf8), under: Self.key)
        }
        return (try EntrySealer(try Rings.ring(current: "v2", ["v1": Rings.one, "v2": Rings.two])), good)
    }

    private func mutants(of good: [[UInt8]]) -> [[UInt8]] {
        var random = SeededRandom(seed: Self.seed)
        var mutants: [[UInt8]] = []
        while mutants.count < 10_000 {
            let first = mutants.count % 2
            let mutant = random.mutated(good[first], splicing: good[1 - first])
            if !good.contains(mutant) { mutants.append(mutant) }
        }
        return mutants
    }

    /// Those that open, which none should.
    private func opened(_ values: [[UInt8]], under key: String, _ sealer: EntrySealer) -> [[UInt8]] {
        values.filter { (try? sealer.open($0, under: key)) != nil }
    }

    @Test func noMutationOfASealedValueOpens() throws {
        let (sealer, good) = try values()
        let mutants = mutants(of: good)
        #expect(opened(mutants, under: Self.key, sealer) == [], "seed \(Self.seed)")
        #expect(opened(mutants + good, under: Self.key, sealer) == good, "the search must find a value that opens")
    }

    @Test func noMutationOfASealedValueOpensUnderAnotherCacheKey() throws {
        let (sealer, good) = try values()
        #expect(opened(mutants(of: good) + good, under: Self.otherKey, sealer) == [], "seed \(Self.seed)")
        let own = try sealer.seal([1], under: Self.otherKey)
        #expect(opened(good + [own], under: Self.otherKey, sealer) == [own], "the search must find a value that opens")
    }
}
