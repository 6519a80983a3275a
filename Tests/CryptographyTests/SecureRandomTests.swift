import Cryptography
import Testing

@Suite struct SecureRandomTests {
    @Test func everyByteIsFilledAndNoTwoFillsAreEqual() {
        var fills: Set<[UInt8]> = []
        for _ in 0..<100 {
            var bytes = [UInt8](repeating: 0, count: 16)
            SecureRandom().fill(&bytes)
            fills.insert(bytes)
        }
        #expect(fills.count == 100)
        for position in 0..<16 { #expect(fills.contains { $0[position] != 0 }) }
    }

    @Test func emptyArrayStaysEmpty() {
        var bytes: [UInt8] = []
        SecureRandom().fill(&bytes)
        #expect(bytes.isEmpty)
    }
}
