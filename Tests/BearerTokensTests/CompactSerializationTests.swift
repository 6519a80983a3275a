@testable import BearerTokens
import TestSupport
import Testing

/// RFC 7515 §7.1.
@Suite struct CompactSerializationTests {
    private func outcome(_ token: String) throws -> String { TestToken.outcome(of: token, try TestToken.verifier()) }

    private func parts() throws -> [String] { try TestToken.make().split(separator: ".").map(String.init) }

    @Test(arguments: [
        ".", "..", "...", "....", "a", "a.b", "a.b.c", "a.b.c.d", "a.b.c.d.e", ".a.", "e30.e30", "e30.e30.e30.e30.e30",
    ])
    func wrongShapeIsMalformed(_ token: String) throws {
        #expect(try outcome(token) == "malformed")
    }

    @Test func twoFourAndFivePartsAreMalformed() throws {
        let parts = try parts()
        #expect(try outcome(parts[0] + "." + parts[1]) == "malformed")
        #expect(try outcome((parts + [parts[2]]).joined(separator: ".")) == "malformed")
        #expect(try outcome((parts + parts[1...]).joined(separator: ".")) == "malformed")
        #expect(try outcome(parts.joined(separator: ".") + ".") == "malformed")
        #expect(try outcome("." + parts.joined(separator: ".")) == "malformed")
    }

    @Test func emptyHeaderOrPayloadIsMalformed() throws {
        let parts = try parts()
        #expect(try outcome(".\(parts[1]).\(parts[2])") == "malformed")
        #expect(try TestToken.outcome(of: TestToken.make(claims: ""), TestToken.verifier()) == "malformed")
        #expect(
            try TestToken.outcome(of: TestToken.make(header: "", claims: TestToken.claims()), TestToken.verifier())
                == "malformed")
    }

    @Test(arguments: ["=", "==", "+", "/", " ", "\n", "%3D", "\u{E9}", "\u{0}"])
    func foreignCharacterInAnyPartIsRefused(_ text: String) throws {
        let parts = try parts()
        #expect(try outcome("\(parts[0])\(text).\(parts[1]).\(parts[2])") == "malformed")
        #expect(try outcome("\(parts[0]).\(parts[1]).\(parts[2])\(text)") == "malformed")
        // In the claims it makes another token than the one that was signed, and none at all where it was signed too.
        #expect(try outcome("\(parts[0]).\(parts[1])\(text).\(parts[2])") == "bad_signature")
        #expect(try outcome(TestToken.sign("\(parts[0]).\(parts[1])\(text)")) == "malformed")
    }

    @Test func standardAlphabetIsMalformedEvenWhereItIsTheSameBytes() throws {
        // A claim whose encoding has both characters.
        let token = try TestToken.make(claims: TestToken.claims(["x": "\"\u{3FF}\u{3FE}~~~???\u{3FF}\""]))
        #expect(token.contains("_") || token.contains("-"))
        #expect(try outcome(token) == "accepted")
        let signingInput = token.split(separator: ".").prefix(2).joined(separator: ".")
        let standard = signingInput.map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 }
        #expect(String(standard) != signingInput)
        #expect(try outcome(TestToken.sign(String(standard))) == "malformed")
    }

    @Test func lastCharacterWithBitsLeftOverIsMalformed() throws {
        // A signature of 32 bytes is 43 characters, the last of which holds 4 bits of it and 2 that must be zero.
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        let token = try TestToken.make()
        let last = try #require(token.last)
        let value = try #require(alphabet.firstIndex(of: last))
        for leftover in 1...3 {
            #expect(try outcome(String(token.dropLast()) + String(alphabet[value | leftover])) == "malformed")
        }
    }

    @Test func tokenOf16384BytesIsReadAndOneMoreIsTooLong() throws {
        // Header and signature have fixed lengths, and three bytes are four characters.
        func token(_ filling: Int) throws -> String {
            try TestToken.make(claims: TestToken.claims(["x": "\"\(String(repeating: "a", count: filling))\""]))
        }
        let missing = TokenVerifier.maximumTokenLength - (try token(0).utf8.count)
        let longest = try token(missing * 3 / 4)
        #expect(longest.utf8.count == 16_384)
        #expect(try outcome(longest) == "accepted")
        #expect(try outcome(longest + "A") == "too_long")
        #expect(try outcome(String(repeating: ".", count: 16_385)) == "too_long")
        #expect(try outcome(String(repeating: ".", count: 16_384)) == "malformed")
        #expect(
            TestToken.outcome(
                ofHeader: "Bearer " + String(repeating: " ", count: 9000) + longest, try TestToken.verifier())
                == "accepted")
    }
}
