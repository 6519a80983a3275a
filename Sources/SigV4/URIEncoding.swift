/// AWS's `UriEncode`: everything but the unreserved characters of RFC 3986 §2.3, byte by byte, with upper-case digits.
enum URIEncoding {
    static func append(_ text: String, to output: inout String, keepingSlashes: Bool = false) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                output.unicodeScalars.append(UnicodeScalar(byte))
            case UInt8(ascii: "/") where keepingSlashes:
                output.append("/")
            default:
                output.append("%")
                output.unicodeScalars.append(hexDigit(byte >> 4))
                output.unicodeScalars.append(hexDigit(byte & 15))
            }
        }
    }

    static func encode(_ text: String, keepingSlashes: Bool = false) -> String {
        var output = ""
        output.reserveCapacity(text.utf8.count * 2)
        append(text, to: &output, keepingSlashes: keepingSlashes)
        return output
    }

    private static func hexDigit(_ nibble: UInt8) -> UnicodeScalar {
        UnicodeScalar(nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "A") + nibble - 10)
    }
}
