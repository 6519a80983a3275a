import Cryptography
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

    @Test func errorHasOnlyTheOperation() {
        #expect("\(CryptographyError(invalidInput: "a key has 32 bytes"))" == "a key has 32 bytes")
    }
}
