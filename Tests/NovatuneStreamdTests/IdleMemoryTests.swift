import Testing

@testable import novatune_streamd

@Suite struct IdleMemoryTests {
    /// Whether memory is released after each interval, in which the loops work so many milliseconds.
    private func released(after milliseconds: [Int], seconds: Int = 1) -> [Bool] {
        var (memory, busyTime) = (IdleMemory(), Duration.zero)
        return milliseconds.map {
            busyTime += .milliseconds($0)
            return memory.becomesIdle(busyTime: busyTime, interval: .seconds(seconds))
        }
    }

    /// The places of the intervals after which memory is released.
    private func releases(after milliseconds: [Int], seconds: Int = 1) -> [Int] {
        zip(0..., released(after: milliseconds, seconds: seconds)).filter(\.1).map(\.0)
    }

    @Test func fiveIdleSecondsReleaseTheMemoryOfTheStart() {
        #expect(releases(after: [300] + Array(repeating: 1, count: 20)) == [5])
    }

    @Test func eachBurstIsReleasedOnceItIsOver() {
        let idle = Array(repeating: 9, count: 5)
        #expect(releases(after: idle + [900, 20] + idle + idle + [51] + idle) == [4, 11, 22])
    }

    @Test func burstsThatFollowEachOtherReleaseNothing() {
        #expect(releases(after: Array(repeating: [60, 0, 0, 0, 0], count: 5).flatMap { $0 }) == [])
    }

    /// Where there is a little to do all the time nothing is released again and again.
    @Test func moderateLoadReleasesNothing() {
        #expect(releases(after: [0, 0, 0, 0, 0, 20, 5, 49, 11, 1, 50] + Array(repeating: 0, count: 10)) == [4])
    }

    @Test func workIsMeasuredByTheLengthOfItsInterval() {
        #expect(releases(after: [200, 99, 490, 0, 510, 0], seconds: 10) == [1, 5])
        #expect(releases(after: [0, 0], seconds: 0) == [])
    }

    /// What the program has written is kept: this test, and all beside it, go on.
    @Test func programGoesOnWithItsMemoryReleased() {
        var numbers = Array(0..<100_000)
        for _ in 0..<2 {
            IdleMemory.release()
            numbers.reverse()
        }
        #expect(numbers == Array(0..<100_000))
    }
}
