public import StreamIssuing

/// A JSON object on one line of bounded length, built in borrowed memory.
@safe public struct JSONLine: ~Copyable {
    private let memory: UnsafeMutableBufferPointer<UInt8>
    private var length = 0
    /// Where the object begins.
    private let start: Int
    /// Without the bytes that end the object and the line.
    private let limit: Int
    /// Whether something did not fit.
    private var isCut = false

    private init(in memory: UnsafeMutableBufferPointer<UInt8>, start: Int) {
        unsafe self.memory = memory
        limit = memory.count - "}\n".utf8.count
        self.start = start
    }

    /// A longer line is built in memory from malloc, not on the stack; most lines are shorter.
    private static let usualLength = 1024

    /// - Parameters:
    ///   - prefix: stands before the object, and counts as part of the line.
    ///   - fill: appends the fields. Called once more where the line is longer than `usualLength`.
    ///   - use: receives the line, whose bytes are valid during the call only.
    static func write(
        maximumLength: Int, prefix: StaticString, _ fill: (inout JSONLine) -> Void,
        use: (UnsafeBufferPointer<UInt8>) -> Void
    ) {
        let length = min(usualLength, maximumLength)
        if unsafe !write(in: length, prefix, mayBeCut: usualLength >= maximumLength, fill, use) {
            unsafe _ = write(in: maximumLength, prefix, mayBeCut: true, fill, use)
        }
    }

    /// False where it was cut and must not be.
    private static func write(
        in length: Int, _ prefix: StaticString, mayBeCut: Bool, _ fill: (inout JSONLine) -> Void,
        _ use: (UnsafeBufferPointer<UInt8>) -> Void
    ) -> Bool {
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: length) { memory in
            var line = unsafe JSONLine(in: memory, start: prefix.utf8CodeUnitCount)
            line.put(prefix)
            fill(&line)
            guard mayBeCut || !line.isCut else { return false }
            line.put("}\n" as StaticString)
            unsafe use(UnsafeBufferPointer(rebasing: memory[..<line.length]))
            return true
        }
    }

    // A field whose name does not fit is left out; a text that does not fit is cut between two characters.

    /// - Parameter name: needs no escaping.
    public mutating func append(_ name: StaticString, _ value: String) {
        if begin(name, value: 2) { putQuoted(value) }
    }

    public mutating func append(_ name: StaticString, _ value: ULID) {
        guard begin(name, value: 28) else { return }
        put(UInt8(ascii: "\""))
        let text = value.utf8
        unsafe text.span.withUnsafeBufferPointer { unsafe put($0) }
        put(UInt8(ascii: "\""))
    }

    public mutating func append(_ name: StaticString, _ value: Int) {
        if begin(name, value: 20) { putDigits(value) }
    }

    public mutating func append(_ name: StaticString, _ value: Bool) {
        if begin(name, value: 5) { put(value ? "true" as StaticString : "false") }
    }

    /// With three decimals.
    public mutating func append(_ name: StaticString, milliseconds duration: Duration) {
        guard begin(name, value: 24) else { return }
        let (seconds, attoseconds) = duration.components
        let microseconds = Int(clamping: seconds) &* 1_000_000 &+ Int(attoseconds / 1_000_000_000_000)
        putDigits(microseconds / 1000)
        putThousandths(abs(microseconds % 1000))
    }

    /// RFC 3339 §5.6 in UTC with milliseconds.
    mutating func append(_ name: StaticString, _ time: UnixTime, milliseconds: Int) {
        guard begin(name, value: 26) else { return }
        put(UInt8(ascii: "\""))
        let text = time.rfc3339Bytes
        unsafe text.span.extracting(droppingLast: 1).withUnsafeBufferPointer { unsafe put($0) }
        putThousandths(milliseconds)
        put("Z\"" as StaticString)
    }

    /// - Parameter name: whatever it holds is escaped.
    mutating func append(escaping name: String, _ value: String) {
        let name = name.utf8.allSatisfy(JSONText.isPlain) ? name : name.unicodeScalars.map { Self.escaped($0) }.joined()
        guard fits(name.utf8.count + 4 + 2) else { return }
        put(length == start ? "{\"" as StaticString : ",\"")
        put(name)
        put("\":" as StaticString)
        putQuoted(value)
    }

    /// The name and its colon; false where they do not fit together with a value of that length.
    private mutating func begin(_ name: StaticString, value: Int) -> Bool {
        guard fits(name.utf8CodeUnitCount + 4 + value) else { return false }
        put(length == start ? "{\"" as StaticString : ",\"")
        put(name)
        put("\":" as StaticString)
        return true
    }

    private mutating func fits(_ count: Int) -> Bool {
        if length + count > limit { isCut = true }
        return length + count <= limit
    }

    private mutating func putQuoted(_ value: String) {
        put(UInt8(ascii: "\""))
        var value = value
        let isPut = value.withUTF8 { text in
            guard length + text.count < limit, unsafe JSONText.isPlain(text) else { return false }
            unsafe put(text)
            return true
        }
        if !isPut {
            for scalar in value.unicodeScalars {
                let escaped = Self.escaped(scalar)
                guard fits(escaped.utf8.count + 1) else { break }
                put(escaped)
            }
        }
        put(UInt8(ascii: "\""))
    }

    private mutating func putDigits(_ number: Int) {
        if number >= 0 && number < 10 {
            put(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number))
        } else {
            put(String(number))
        }
    }

    /// The decimals of what is counted in thousandths, 0 … 999.
    private mutating func putThousandths(_ number: Int) {
        let zero = UInt8(ascii: "0")
        put(UInt8(ascii: "."))
        put(zero + UInt8(truncatingIfNeeded: number / 100 % 10))
        put(zero + UInt8(truncatingIfNeeded: number / 10 % 10))
        put(zero + UInt8(truncatingIfNeeded: number % 10))
    }

    private mutating func put(_ text: String) {
        var text = text
        text.withUTF8 { unsafe put($0) }
    }

    private mutating func put(_ text: StaticString) {
        text.withUTF8Buffer { unsafe put($0) }
    }

    private mutating func put(_ bytes: UnsafeBufferPointer<UInt8>) {
        // The caller has checked that it fits.
        unsafe precondition(bytes.count <= memory.count - length)
        guard let text = bytes.baseAddress, let start = unsafe memory.baseAddress else { return }
        unsafe (start + length).initialize(from: text, count: bytes.count)
        length += bytes.count
    }

    private mutating func put(_ byte: UInt8) {
        unsafe precondition(length < memory.count)
        unsafe memory.initializeElement(at: length, to: byte)
        length += 1
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
