@testable import SigV4
import Testing

@Suite struct URIEncodingTests {
    @Test func onlyUnreservedCharactersStayUnchanged() {
        let unreserved = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~".unicodeScalars)
        for value in 0..<UInt8(128) {
            let scalar = Unicode.Scalar(value)
            let digits = String(value, radix: 16, uppercase: true)
            let expected = unreserved.contains(scalar) ? String(scalar) : "%" + (digits.count == 1 ? "0" : "") + digits
            #expect(URIEncoding.encode(String(scalar)) == expected)
        }
    }

    @Test func slashStaysOnlyWhereRequested() {
        #expect(URIEncoding.encode("a/b") == "a%2Fb")
        #expect(URIEncoding.encode("a/b", keepingSlashes: true) == "a/b")
    }

    @Test func eachUTF8ByteIsEncodedByItself() {
        #expect(URIEncoding.encode("é🎵") == "%C3%A9%F0%9F%8E%B5")
        #expect(URIEncoding.encode("e\u{301}") == "e%CC%81")
    }

    @Test func emptyTextStaysEmpty() {
        #expect(URIEncoding.encode("").isEmpty)
    }
}
