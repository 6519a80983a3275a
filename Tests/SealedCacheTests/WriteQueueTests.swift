import Testing

@testable import SealedCache

@Suite struct WriteQueueTests {
    private var queue = WriteQueue<Int>(WriteLimits(entries: 3, bytes: 10, inFlight: 2))

    /// How many of them fit.
    private mutating func append(_ writes: ClosedRange<Int>, bytes: Int = 1) -> Int {
        writes.count { queue.append($0, bytes: bytes) }
    }

    @Test mutating func writesLeaveInTheirOrderAndNotTooManyAtATime() {
        #expect(append(1...3) == 3)
        #expect(queue.next() == 1)
        #expect(queue.next() == 2)
        #expect(queue.next() == nil)
        queue.finished()
        #expect(queue.next() == 3)
        #expect(queue.inFlight == 2 && queue.count == 0 && queue.bytes == 0)
    }

    @Test mutating func writeBeyondTheLimitIsRefused() {
        #expect(append(1...3) == 3)
        #expect(append(4...4) == 0)
        #expect(queue.next() == 1)
        #expect(append(4...4) == 1)
    }

    @Test mutating func bytesBeyondTheLimitAreRefused() {
        #expect(append(1...1, bytes: 6) == 1)
        #expect(append(2...2, bytes: 5) == 0)
        #expect(append(3...3, bytes: 4) == 1)
        #expect(queue.removeAll() == [1, 3])
        #expect(append(4...4, bytes: 10) == 1)
    }

    @Test mutating func orderHoldsOverThousands() {
        queue = WriteQueue(WriteLimits(entries: 5000, bytes: 5000, inFlight: 5000))
        #expect(append(0...2999) == 3000)
        for number in 0..<3000 { #expect(queue.next() == number) }
        #expect(queue.next() == nil)
    }
}
