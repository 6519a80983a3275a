/// A universally unique, lexicographically sortable identifier in its canonical text form.
///
/// 26 characters of Crockford's base32 (no `I`, `L`, `O`, `U`), the first at most `7` because it holds three bits of
/// 128 (github.com/ulid/spec, "Canonical String Representation"). Either case is read; upper case is kept.
public struct ULID: Sendable, Hashable, CustomStringConvertible {
    public let description: String

    /// Nil for anything that is not a ULID.
    public init?(_ text: String) {
        self.init(utf8: text.utf8)
    }

    /// Nil for anything that is not a ULID.
    public init?(_ text: Substring) {
        self.init(utf8: text.utf8)
    }

    private init?(utf8: some Sequence<UInt8>) {
        var canonical: [UInt8] = []
        canonical.reserveCapacity(26)
        for byte in utf8 {
            guard canonical.count < 26, let upper = Self.upperCased(byte) else { return nil }
            canonical.append(upper)
        }
        guard canonical.count == 26, canonical[0] <= UInt8(ascii: "7") else { return nil }
        description = String(decoding: canonical, as: UTF8.self)
    }

    private static func upperCased(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
            return byte
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"):
            let upper = byte & 0xDF
            switch upper {
            case UInt8(ascii: "I"), UInt8(ascii: "L"), UInt8(ascii: "O"), UInt8(ascii: "U"): return nil
            default: return upper
            }
        default:
            return nil
        }
    }
}
