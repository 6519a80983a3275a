/// The 256-bit result of a hash or a message authentication code.
public struct Digest256: Sendable, Hashable {
    /// Big-endian words.
    let words: (UInt64, UInt64, UInt64, UInt64)

    /// `body` writes exactly 32 bytes.
    init<Failure: Error>(filledBy body: (UnsafeMutablePointer<UInt8>) throws(Failure) -> Void) throws(Failure) {
        var raw = InlineArray<32, UInt8>(repeating: 0)
        var span = raw.mutableSpan
        try unsafe span.withUnsafeMutableBufferPointer { (buffer) throws(Failure) in
            // The array has 32 elements, so its address exists.
            unsafe try body(buffer.baseAddress!)
        }
        words = (Self.word(raw, 0), Self.word(raw, 8), Self.word(raw, 16), Self.word(raw, 24))
    }

    private static func word(_ raw: InlineArray<32, UInt8>, _ offset: Int) -> UInt64 {
        var word: UInt64 = 0
        for index in offset..<offset + 8 { word = word << 8 | UInt64(raw[index]) }
        return word
    }

    /// The first 64 bits, big-endian.
    public var prefix: UInt64 { words.0 }

    /// 32 bytes.
    public var bytes: [UInt8] {
        [words.0, words.1, words.2, words.3].flatMap { word in
            stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> UInt64($0)) }
        }
    }

    /// 64 lower-case hexadecimal digits.
    public var hexadecimal: String {
        var text: [UInt8] = []
        text.reserveCapacity(64)
        appendHexadecimal(to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// The same, in ASCII.
    public func appendHexadecimal(to text: inout [UInt8]) {
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { digits in
            unsafe Self.write(words.0, to: digits, at: 0)
            unsafe Self.write(words.1, to: digits, at: 16)
            unsafe Self.write(words.2, to: digits, at: 32)
            unsafe Self.write(words.3, to: digits, at: 48)
            unsafe text.append(contentsOf: digits)
        }
    }

    private static func write(_ word: UInt64, to digits: UnsafeMutableBufferPointer<UInt8>, at offset: Int) {
        for index in 0..<16 {
            let nibble = UInt8(truncatingIfNeeded: word >> UInt64(60 - 4 * index) & 15)
            unsafe digits[offset + index] =
                nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
        }
    }

    public static func == (left: Digest256, right: Digest256) -> Bool {
        // No early exit: a comparison of authentication codes must not reveal where they differ.
        (left.words.0 ^ right.words.0) | (left.words.1 ^ right.words.1) | (left.words.2 ^ right.words.2)
            | (left.words.3 ^ right.words.3) == 0
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
    }
}

extension Digest256 {
    /// Compares with a claimed value in constant time; false for anything but 32 bytes.
    public func isEqual(to claimed: [UInt8]) -> Bool {
        guard claimed.count == 32 else { return false }
        return zip(bytes, claimed).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
