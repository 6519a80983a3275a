@testable import BearerTokens
import Testing

/// RFC 4648 §5 without padding (RFC 7515 §2).
@Suite struct Base64URLTests {
    @Test(
        arguments: zip(
            ["", "f", "fo", "foo", "foob", "fooba", "foobar"],
            ["", "Zg", "Zm8", "Zm9v", "Zm9vYg", "Zm9vYmE", "Zm9vYmFy"]))
    func standardsExamples(_ plain: String, _ encoded: String) {
        #expect(Base64URL.encode(plain.utf8) == encoded)
        #expect(Base64URL.decode(encoded.utf8) == Array(plain.utf8))
    }

    @Test func everyByteRoundTrips() {
        for first in UInt8.min ... .max {
            for bytes in [[first], [first, 255], [0, first, 7]] {
                #expect(Base64URL.decode(Base64URL.encode(bytes).utf8) == bytes)
            }
        }
    }

    @Test func minusAndUnderscoreReplacePlusAndSlash() {
        #expect(Base64URL.encode([0xFB, 0xFF]) == "-_8")
        #expect(Base64URL.decode("-_8".utf8) == [0xFB, 0xFF])
        #expect(Base64URL.decode("+/8".utf8) == nil)
    }

    @Test(arguments: ["A", "AAAAA", "AA==", "AAA=", "A A", "AA\n", "AB", "AAB", "A.A", "Ä"])
    func anyOtherTextIsRefused(_ text: String) {
        #expect(Base64URL.decode(text.utf8) == nil)
    }
}
