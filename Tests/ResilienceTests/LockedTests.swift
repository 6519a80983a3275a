import Resilience
import Testing

@Suite struct LockedTests {
    @Test func noIncrementOfFourThreadsIsLost() async {
        let counter = Locked(0)
        await withTaskGroup { group in
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<25_000 { counter.withLock { $0 += 1 } }
                }
            }
        }
        #expect(counter.withLock { $0 } == 100_000)
    }

    @Test func lockIsReleasedWhenTheBodyThrows() {
        struct Failure: Error {}
        let locked = Locked(1)
        #expect(throws: Failure.self) {
            try locked.withLock { (value) throws(Failure) in
                value = 2
                throw Failure()
            }
        }
        #expect(locked.withLock { $0 } == 2)
    }

    @Test func resultOfTheBodyIsReturned() {
        let locked = Locked(["a"])
        #expect(locked.withLock { $0.removeLast() } == "a")
        #expect(locked.withLock { $0.isEmpty })
    }
}
