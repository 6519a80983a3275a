/// Base64 with padding (RFC 4648 §4), without copies of what it decodes.
enum Base64 {
    /// The number of bytes that `characters` encode; nil where they cannot be the canonical encoding of any bytes.
    static func decodedCount(_ characters: ArraySlice<UInt8>) -> Int? {
        guard characters.count % 4 == 0 else { return nil }
        let padding = characters.reversed().prefix { $0 == UInt8(ascii: "=") }.count
        guard padding <= 2, characters.dropLast(padding).allSatisfy({ value(of: $0) != nil }) else { return nil }
        // Unused bits are zero.
        if padding > 0, let last = characters.dropLast(padding).last.flatMap(value(of:)) {
            guard last & (padding == 1 ? 0b11 : 0b1111) == 0 else { return nil }
        }
        return characters.count / 4 * 3 - padding
    }

    /// - Parameters:
    ///   - characters: their `decodedCount` is not nil.
    ///   - output: has that many bytes.
    static func decode(_ characters: ArraySlice<UInt8>, into output: inout MutableSpan<UInt8>) {
        var buffer: UInt32 = 0
        var bits = 0
        var index = 0
        for character in characters {
            guard let value = value(of: character), index < output.count else { return }
            buffer = (buffer << 6 | value) & 0xFFFF
            bits += 6
            if bits >= 8 {
                bits -= 8
                output[index] = UInt8(truncatingIfNeeded: buffer >> UInt32(bits))
                index += 1
            }
        }
    }

    static func decode(_ characters: ArraySlice<UInt8>) -> [UInt8]? {
        guard let count = decodedCount(characters) else { return nil }
        var bytes = [UInt8](repeating: 0, count: count)
        var span = bytes.mutableSpan
        decode(characters, into: &span)
        return bytes
    }

    static func encode(_ bytes: [UInt8]) -> [UInt8] { encode(bytes.span) }

    static func encode(_ bytes: Span<UInt8>) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let count = min(3, bytes.count - start)
            var group: UInt32 = 0
            for offset in 0..<3 { group = group << 8 | (offset < count ? UInt32(bytes[start + offset]) : 0) }
            for digit in 0..<4 {
                output.append(digit <= count ? alphabet[Int(group >> UInt32(18 - 6 * digit) & 63)] : UInt8(ascii: "="))
            }
        }
        return output
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    private static func value(of character: UInt8) -> UInt32? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
