import Testing

@testable import novatune_streamd

@Suite struct IdleMemoryTests {
    /// Whether memory is returned after each interval, in which the loops work so many milliseconds.
    private func returned(after milliseconds: [Int], seconds: Int = 1) -> [Bool] {
        var (memory, busyTime) = (IdleMemory(), Duration.zero)
        return milliseconds.map {
            busyTime += .milliseconds($0)
            return memory.becomesIdle(busyTime: busyTime, interval: .seconds(seconds))
        }
    }

    @Test func firstIdleSecondReturnsTheMemoryOfTheStart() {
        #expect(returned(after: [300, 1, 0, 0]) == [false, true, false, false])
    }

    @Test func eachBurstIsReturnedOnceItIsOver() {
        #expect(
            returned(after: [0, 900, 20, 9, 9, 51, 0, 0]) == [true, false, false, true, false, false, true, false])
    }

    /// Where there is a little to do all the time nothing is returned again and again.
    @Test func moderateLoadReturnsNothing() {
        #expect(returned(after: [0, 20, 5, 49, 11, 1, 50, 0]) == [true] + Array(repeating: false, count: 7))
    }

    @Test func workIsMeasuredByTheLengthOfItsInterval() {
        #expect(returned(after: [200, 99, 490, 0, 510, 0], seconds: 10) == [false, true, false, false, false, true])
        #expect(returned(after: [0, 0], seconds: 0) == [false, false])
    }

    /// What the program has written is kept: this test, and all beside it, go on.
    @Test func programGoesOnWithItsMemoryReturned() {
        var numbers = Array(0..<100_000)
        for _ in 0..<20 {
            IdleMemory.release()
            numbers.reverse()
        }
        #expect(numbers == Array(0..<100_000))
    }
}
