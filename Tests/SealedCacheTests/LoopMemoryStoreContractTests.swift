import SealedCache
import TestSupport
import Testing

@Suite struct LoopMemoryStoreContractTests {
    private let running = RunningLoop()

    @Test(arguments: LoopValueStoreContract.checks)
    func keepsTheContract(_ check: LoopValueStoreContract.Check) async throws {
        let clock = ManualClock()
        let memory = MemoryStore(now: { clock.now })
        let failure = await running.run { loop in
            await LoopValueStoreContract(LoopMemoryStore(memory), beside: memory, on: loop) { clock.advance(by: $0) }
                .run(check)
        }
        if let failure { throw failure }
    }
}
