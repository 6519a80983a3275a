import Cryptography
import Testing

@Suite struct Digest256Tests {
    private let digest = SHA256().hash("abc")

    @Test func bytesHexadecimalAndPrefixAgree() {
        #expect(digest.bytes.count == 32)
        #expect(digest.hexadecimal == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(digest.bytes[..<4] == [0xBA, 0x78, 0x16, 0xBF] && digest.bytes[28...] == [0xF2, 0x00, 0x15, 0xAD])
        #expect(digest.prefix == 0xBA78_16BF_8F01_CFEA)
    }

    @Test func equalToItsOwnBytesOnly() {
        #expect(digest.isEqual(to: digest.bytes))
        for position in 0..<32 {
            var changed = digest.bytes
            changed[position] ^= 0x80
            #expect(!digest.isEqual(to: changed), "byte \(position)")
        }
    }

    @Test func anyOtherLengthIsUnequal() {
        #expect(!digest.isEqual(to: []))
        #expect(!digest.isEqual(to: Array(digest.bytes.dropLast())))
        #expect(!digest.isEqual(to: digest.bytes + [0]))
        #expect(!digest.isEqual(to: digest.bytes + digest.bytes))
    }

    @Test func digestsOfDifferentMessagesDiffer() {
        let digests = (0..<100).map { SHA256().hash("\($0)") }
        #expect(Set(digests).count == 100)
        #expect(digests[5] == SHA256().hash("5") && digests[5] != digests[6])
    }
}
