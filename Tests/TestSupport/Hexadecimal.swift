/// Bytes written as hexadecimal digits, as standards print them; spaces are skipped.
public func hexadecimal(_ text: String) -> [UInt8] {
    let digits = text.compactMap(\.hexDigitValue)
    precondition(
        digits.count % 2 == 0 && text.allSatisfy { $0.isHexDigit || $0.isWhitespace }, "not hexadecimal: \(text)")
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

extension Sequence<UInt8> {
    /// Lower-case hexadecimal digits.
    public var hexadecimalText: String {
        reduce(into: "") { text, byte in
            if byte < 16 { text += "0" }
            text += String(byte, radix: 16)
        }
    }
}
