/// A universally unique, lexicographically sortable identifier: 128 bits.
///
/// Its text is 26 characters of Crockford's base32 (no `I`, `L`, `O`, `U`). The first is at most `7`, because it holds
/// three bits of 128 (github.com/ulid/spec, "Canonical String Representation"). Either case is read; upper case is
/// written.
public struct ULID: Sendable, Hashable, CustomStringConvertible {
    // Two words, not the text: thousands of them are kept, and a text of 26 bytes is an allocation each.
    private let high: UInt64
    private let low: UInt64

    /// Nil for anything that is not a ULID.
    public init?(_ text: String) {
        self.init(utf8: text.utf8)
    }

    /// Nil for anything that is not a ULID.
    public init?(_ text: Substring) {
        self.init(utf8: text.utf8)
    }

    private init?(utf8: some Sequence<UInt8>) {
        var (high, low): (UInt64, UInt64) = (0, 0)
        var count = 0
        for byte in utf8 {
            guard let digit = Self.digit(byte), count > 0 || digit <= 7 else { return nil }
            high = high << 5 | low >> 59
            low = low << 5 | UInt64(digit)
            count += 1
            if count > 26 { return nil }
        }
        guard count == 26 else { return nil }
        (self.high, self.low) = (high, low)
    }

    /// The canonical text.
    public var utf8: InlineArray<26, UInt8> {
        var (high, low) = (high, low)
        var text = InlineArray<26, UInt8>(repeating: 0)
        for index in text.indices.reversed() {
            text[index] = Self.character(Int(low & 31))
            low = low >> 5 | high << 59
            high >>= 5
        }
        return text
    }

    public var description: String {
        let text = utf8
        return unsafe text.span.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }

    private static func character(_ digit: Int) -> UInt8 {
        let alphabet: StaticString = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
        return unsafe alphabet.utf8Start[digit]
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        if (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { return byte - UInt8(ascii: "0") }
        let letter = byte & 0xDF
        return switch letter {
        case UInt8(ascii: "A")...UInt8(ascii: "H"): letter - UInt8(ascii: "A") + 10
        case UInt8(ascii: "J")...UInt8(ascii: "K"): letter - UInt8(ascii: "J") + 18
        case UInt8(ascii: "M")...UInt8(ascii: "N"): letter - UInt8(ascii: "M") + 20
        case UInt8(ascii: "P")...UInt8(ascii: "T"): letter - UInt8(ascii: "P") + 22
        case UInt8(ascii: "V")...UInt8(ascii: "Z"): letter - UInt8(ascii: "V") + 27
        default: nil
        }
    }
}
