import Testing

@testable import FastCGI

@Suite struct ConnectionTableTests {
    private let start = ContinuousClock.now

    private func after(_ seconds: Int) -> ContinuousClock.Instant { start.advanced(by: .seconds(seconds)) }

    /// Connections 4, 7 and 20000, a second apart.
    private func table() -> ConnectionTable {
        var table = ConnectionTable()
        for (index, descriptor) in [Int32(4), 7, 20_000].enumerated() { table.add(descriptor, at: after(index)) }
        return table
    }

    @Test func connectionsAreFoundByTheirDescriptors() {
        var table = table()
        #expect(
            table.count == 3 && table[7]?.since == after(1) && table[5] == nil && table[30_000] == nil
                && table[-1] == nil)
        let removed = [7, 7, 30_000].map { table.remove($0) }
        #expect(removed == [true, false, false])
        #expect(table.count == 2 && table[7] == nil)
    }

    @Test func longestIdleHasNoRequestAndNoPartOfOne() {
        var table = table()
        #expect(table.longestIdle == 4)
        table[4]?.beginHandling(at: after(3))
        #expect(table.longestIdle == 7)
        _ = table[7]?.arrived(.bytes(1, .incomplete), limit: 10, at: after(3))
        #expect(table.longestIdle == 20_000)
        table[20_000]?.beginHandling(at: after(3))
        #expect(table.longestIdle == nil)
    }

    @Test func lateAreThoseWhoseRequestDoesNotArrive() {
        var table = table()
        _ = table[7]?.arrived(.bytes(1, .incomplete), limit: 10, at: after(5))
        #expect(table.late(since: after(5)) == [])
        #expect(table.late(since: after(6)) == [7])
    }

    @Test func readingAreThoseWithoutARequestInHand() {
        var table = table()
        table[4]?.beginHandling(at: after(3))
        table[7]?.beginHandling(at: after(3))
        _ = table[7]?.answered(isUsable: true, isDraining: false, at: after(4))
        #expect(table.reading(onlyServed: true) == [7])
        #expect(table.reading(onlyServed: false) == [7, 20_000])
    }

    @Test func drainIsFinishedOnceWithTheLastConnection() {
        var table = table()
        for descriptor in [Int32(4), 7, 20_000] { _ = table.remove(descriptor) }
        var finishes = [table.finishesDraining()]
        table.add(4, at: start)
        table.beginDraining()
        finishes.append(table.finishesDraining())
        _ = table.remove(4)
        finishes += [table.finishesDraining(), table.finishesDraining()]
        #expect(finishes == [false, false, true, false])
    }
}
