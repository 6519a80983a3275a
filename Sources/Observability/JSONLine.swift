public import StreamIssuing

/// An object on one line of bounded length, put together in one buffer.
public struct JSONLine: Sendable {
    private(set) var bytes: [UInt8] = []
    /// Without the end of the object and the line.
    private let limit: Int

    init(maximumLength: Int) {
        limit = maximumLength - "}\n".utf8.count
        // Most lines fit, and so does it into what malloc keeps at hand for each thread.
        bytes.reserveCapacity(960)
    }

    // A field is left out where not even its name fits; a text is cut between two characters where it does not.

    /// - Parameter name: needs no escaping.
    public mutating func append(_ name: StaticString, _ value: String) {
        if start(name, value: 2) { appendQuoted(value) }
    }

    public mutating func append(_ name: StaticString, _ value: ULID) {
        guard start(name, value: 28) else { return }
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: value.description.utf8)
        bytes.append(UInt8(ascii: "\""))
    }

    public mutating func append(_ name: StaticString, _ value: Int) {
        if start(name, value: 20) { appendDigits(value) }
    }

    public mutating func append(_ name: StaticString, _ value: Bool) {
        if start(name, value: 5) { appendText(value ? "true" : "false") }
    }

    /// With three decimals.
    public mutating func append(_ name: StaticString, milliseconds duration: Duration) {
        guard start(name, value: 24) else { return }
        let (seconds, attoseconds) = duration.components
        let microseconds = Int(clamping: seconds) &* 1_000_000 &+ Int(attoseconds / 1_000_000_000_000)
        appendDigits(microseconds / 1000)
        appendThousandths(abs(microseconds % 1000))
    }

    /// RFC 3339 §5.6 in UTC with milliseconds.
    mutating func append(_ name: StaticString, _ time: UnixTime, milliseconds: Int) {
        guard start(name, value: 26) else { return }
        bytes.append(UInt8(ascii: "\""))
        time.appendRFC3339(to: &bytes)
        bytes.removeLast()
        appendThousandths(milliseconds)
        appendText("Z\"")
    }

    /// - Parameter name: whatever it holds is escaped.
    mutating func append(escaping name: String, _ value: String) {
        let name = name.utf8.allSatisfy(Self.isPlain) ? name : name.unicodeScalars.map { Self.escaped($0) }.joined()
        guard bytes.count + name.utf8.count + 4 + 2 <= limit else { return }
        appendText(bytes.isEmpty ? "{\"" : ",\"")
        bytes.append(contentsOf: name.utf8)
        appendText("\":")
        appendQuoted(value)
    }

    mutating func finish() { appendText("}\n") }

    /// The name and its colon; false where they do not fit together with a value of that length.
    private mutating func start(_ name: StaticString, value: Int) -> Bool {
        let length = name.utf8CodeUnitCount + 4
        guard bytes.count + length + value <= limit else { return false }
        let first = UInt8(ascii: bytes.isEmpty ? "{" : ",")
        bytes.append(addingCapacity: length) { text in
            text.append(first)
            text.append(UInt8(ascii: "\""))
            name.withUTF8Buffer { for index in $0.indices { text.append(unsafe $0[index]) } }
            text.append(UInt8(ascii: "\""))
            text.append(UInt8(ascii: ":"))
        }
        return true
    }

    private mutating func appendQuoted(_ value: String) {
        bytes.append(UInt8(ascii: "\""))
        var value = value
        let isAppended = value.withUTF8 { text in
            guard bytes.count + text.count < limit, unsafe Self.isPlain(text) else { return false }
            unsafe bytes.append(contentsOf: text)
            return true
        }
        if !isAppended {
            for scalar in value.unicodeScalars {
                let escaped = Self.escaped(scalar)
                guard bytes.count + escaped.utf8.count < limit else { break }
                bytes.append(contentsOf: escaped.utf8)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func appendText(_ text: StaticString) {
        text.withUTF8Buffer { unsafe bytes.append(contentsOf: $0) }
    }

    private mutating func appendDigits(_ number: Int) {
        if number >= 0 && number < 10 {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number))
        } else {
            bytes.append(contentsOf: String(number).utf8)
        }
    }

    /// The decimals of what is counted in thousandths, 0 … 999.
    private mutating func appendThousandths(_ number: Int) {
        let zero = UInt8(ascii: "0")
        bytes.append(addingCapacity: 4) { text in
            text.append(UInt8(ascii: "."))
            text.append(zero + UInt8(truncatingIfNeeded: number / 100 % 10))
            text.append(zero + UInt8(truncatingIfNeeded: number / 10 % 10))
            text.append(zero + UInt8(truncatingIfNeeded: number % 10))
        }
    }

    /// Looks at every byte, also behind one that is not: without a way out it is done for many at once.
    private static func isPlain(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        var isPlain = true
        for index in text.indices { isPlain = unsafe Self.isPlain(text[index]) && isPlain }
        return isPlain
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\") && byte != 0x7F
    }

    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\"": "\\\""
        case "\\": "\\\\"
        case "\u{0}"..."\u{1F}", "\u{7F}": "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
        default: String(scalar)
        }
    }
}
