import Cryptography
import Glibc
import Resilience
import TestSupport
import Testing

@Suite struct SymmetricKeyTests {
    @Test func bytesAppearInNoDescription() {
        let key = SymmetricKey(Array("canary".utf8))
        var dumped = ""
        dump(key, to: &dumped)
        for text in ["\(key)", String(reflecting: key), "\([key])", "\(Optional(key) as Any)", dumped] {
            #expect(!text.contains("canary") && !text.contains("99") && !text.contains("97"))
        }
    }

    /// OpenSSL keeps what it draws random numbers from for each thread, two of them, where the keys are.
    @Test func manyThreadsGenerateKeysConcurrently() {
        let (count, drawn) = (160, Locked(0))
        let wasLocked = SymmetricKey.isMemoryLocked
        let threads = Threads(count) {
            let key = SymmetricKey.random()
            var nonce: [UInt8] = Array(repeating: 0, count: AES256GCM.nonceLength)
            SecureRandom().fill(&nonce)
            drawn.withLock { $0 += 1 }
            // As long as the others have not, this one lives.
            while drawn.withLock({ $0 }) < count { sched_yield() }
            return key.byteCount == 32
        }
        #expect(threads.results().allSatisfy { $0 })
        #expect(SymmetricKey.isMemoryLocked == wasLocked, "the keys must not change whether memory is locked")
    }

    @Test func errorNamesOnlyTheOperation() {
        #expect("\(CryptographyError(invalidInput: "a key has 32 bytes"))" == "a key has 32 bytes")
    }
}
