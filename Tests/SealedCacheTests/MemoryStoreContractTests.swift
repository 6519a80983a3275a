import SealedCache
import TestSupport
import Testing

@Suite struct MemoryStoreContractTests {
    @Test(arguments: ValueStoreContract.checks)
    func keepsTheContract(_ check: Row<@Sendable (ValueStoreContract) throws -> Void>) throws {
        let clock = ManualClock()
        let store = MemoryStore(now: { clock.now })
        try check.value(ValueStoreContract(store) { clock.advance(by: $0) })
    }
}
