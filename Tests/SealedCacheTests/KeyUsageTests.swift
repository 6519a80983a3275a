import Cryptography
import Resilience
@testable import SealedCache
import TestSupport
import Testing

@Suite struct KeyUsageTests {
    private let store = MemoryStore()

    private func sealer(_ counts: KeyUsage, _ ring: KeyRing) throws -> EntrySealer {
        try EntrySealer(ring, counts: counts)
    }

    private func seal(_ times: Int, _ sealer: EntrySealer) throws {
        for _ in 0..<times { _ = try sealer.seal([1], under: "k") }
    }

    private func total(_ counts: KeyUsage) -> Int64? { counts.figures.first?.total }

    @Test func everySealOfEverySealerIsCountedByItsKeysVersion() throws {
        let counts = KeyUsage()
        let ring = try Rings.ring(current: "v2", ["v1": Rings.one, "v2": Rings.two])
        try seal(3, sealer(counts, ring))
        try seal(2, sealer(counts, ring))
        _ = try sealer(counts, ring).open(try sealer(counts, ring).seal([1], under: "k"), under: "k")
        #expect(counts.figures == [KeyUsage.Figures(version: "v2", own: 6, total: 6)])
    }

    @Test func processesThatShareAStoreHaveTheSumOfAll() throws {
        let (one, two) = (KeyUsage(), KeyUsage())
        let ring = try Rings.ring(current: "v1", ["v1": Rings.one])
        try seal(5, sealer(one, ring))
        try seal(7, sealer(two, ring))
        try one.share(through: store, prefix: "p")
        try two.share(through: store, prefix: "p")
        try one.share(through: store, prefix: "p")
        #expect(total(one) == 12 && total(two) == 12)
        try seal(1, sealer(two, ring))
        #expect(total(two) == 13, "seals not yet shared are counted")
        #expect(try KeyUsage.total(of: Rings.one, in: store, prefix: "p") == 12)
    }

    /// A version's name may be used again for other bytes, and another version's bytes be the same.
    @Test func countBelongsToTheBytesOfAKeyAndNotToItsName() throws {
        let counts = KeyUsage()
        try seal(4, sealer(counts, try Rings.ring(current: "v1", ["v1": Rings.one])))
        try counts.share(through: store, prefix: "p")
        #expect(try KeyUsage.total(of: Rings.two, in: store, prefix: "p") == 0)
        #expect(try KeyUsage.total(of: Rings.one, in: store, prefix: "other") == 0)
        let restarted = KeyUsage()
        _ = try sealer(restarted, try Rings.ring(current: "renamed", ["renamed": Rings.one]))
        try restarted.share(through: store, prefix: "p")
        #expect(total(restarted) == 4)
    }

    /// A client that can write to the store can make it say anything.
    @Test(arguments: [.min, .min + 1, -1, 1 << 40, .max - 1, .max] as [Int64])
    func forgedCountCrashesNoProcessAndLowersNoCount(figure: Int64) throws {
        let counts = KeyUsage()
        let ring = try Rings.ring(current: "v1", ["v1": Rings.one])
        let written = WrittenCounter(figure)
        _ = try sealer(counts, ring)
        for _ in 0..<4 { try? counts.share(through: written, prefix: "p") }
        // Beyond the limit there is no sealing, and else there is.
        try? seal(3, sealer(counts, ring))
        for _ in 0..<4 { try? counts.share(through: written, prefix: "p") }
        #expect(try #require(total(counts)) == (figure > 0 ? KeyUsage.limit : 3))
        #expect(try KeyUsage.total(of: Rings.one, in: written, prefix: "p") >= 0)
    }

    @Test func countLostByTheStoreIsWrittenAgain() throws {
        let counts = KeyUsage()
        let ring = try Rings.ring(current: "v1", ["v1": Rings.one])
        try seal(9, sealer(counts, ring))
        try counts.share(through: store, prefix: "p")
        let emptied = MemoryStore()
        try counts.share(through: emptied, prefix: "p")
        #expect(total(counts) == 9)
        #expect(try KeyUsage.total(of: Rings.one, in: emptied, prefix: "p") == 9)
    }

    @Test func failedStoreLosesNoCount() throws {
        let counts = KeyUsage()
        let count = try counts.count(of: Rings.one, version: "v1")
        for _ in 0..<3 { #expect(count.tryRecordInvocation()) }
        #expect(throws: ValueStoreError.self) {
            try count.share { (_) throws(ValueStoreError) in throw ValueStoreError(code: "connect", reason: "down") }
        }
        #expect(count.total == 3)
        try counts.share(through: store, prefix: "p")
        #expect(count.total == 3)
        #expect(try KeyUsage.total(of: Rings.one, in: store, prefix: "p") == 3)
    }

    @Test func keyAtItsSealLimitDoesNotSealAndStillOpens() throws {
        let counts = KeyUsage(limit: 2)
        let sealer = try sealer(counts, try Rings.ring(current: "v1", ["v1": Rings.one]))
        let value = try sealer.seal([7], under: "k")
        _ = try sealer.seal([7], under: "k")
        let error = #expect(throws: CryptographyError.self) { try sealer.seal([7], under: "k") }
        #expect(error?.description.contains("rotate") == true)
        #expect(try sealer.open(value, under: "k") == [7])
        #expect(total(counts) == 2)
    }

    @Test func warningPrecedesTheLimit() {
        #expect(KeyUsage.limit == 4_294_967_296 && KeyUsage.warningLevel == KeyUsage.limit / 2)
    }
}

/// A counter as Redis has it, which others have written to: it refuses a sum that does not fit.
private final class WrittenCounter: ValueStore {
    private let figure: Locked<Int64>

    init(_ figure: Int64) { self.figure = Locked(figure) }

    func value(forKey key: String) -> [UInt8]? { nil }
    func setValue(_ value: [UInt8], forKey key: String, in group: String, timeToLive: Duration) {}
    func removeValue(forKey key: String, in group: String) -> Bool { false }
    func removeValues(in group: String) -> Int { 0 }
    func removeValues(under prefix: String) -> Int { 0 }
    func probe(under prefix: String) {}

    func add(_ amount: Int64, toCounter key: String) throws(ValueStoreError) -> Int64 {
        let sum: Int64? = figure.withLock { figure in
            let (sum, isTooMuch) = figure.addingReportingOverflow(amount)
            if isTooMuch { return nil }
            figure = sum
            return sum
        }
        guard let sum else { throw ValueStoreError(code: "refused", reason: "increment or decrement would overflow") }
        return sum
    }
}
