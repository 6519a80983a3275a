import StreamIssuing

/// An object on one line of bounded length, put together in one buffer.
public struct JSONLine: Sendable {
    private(set) var bytes: [UInt8] = []
    /// Without the end of the object and the line.
    private let limit: Int

    init(maximumLength: Int) {
        limit = maximumLength - "}\n".utf8.count
        bytes.reserveCapacity(512)
    }

    /// Left out where not even its name fits; cut between two characters where the value does not.
    public mutating func append(_ name: String, _ value: String) {
        guard start(name, value: 2) else { return }
        appendQuoted(value)
    }

    /// The same with a name that needs no escaping, which costs less.
    public mutating func append(_ name: StaticString, _ value: String) {
        guard start(name, value: 2) else { return }
        appendQuoted(value)
    }

    public mutating func append(_ name: StaticString, _ value: Int) {
        if start(name, value: 20) { appendDigits(value) }
    }

    public mutating func append(_ name: StaticString, _ value: Bool) {
        guard start(name, value: 5) else { return }
        let text: StaticString = value ? "true" : "false"
        appendBytes(text)
    }

    /// With three decimals.
    public mutating func append(_ name: StaticString, milliseconds duration: Duration) {
        guard start(name, value: 24) else { return }
        let (seconds, attoseconds) = duration.components
        let microseconds = Int(clamping: seconds) &* 1_000_000 &+ Int(attoseconds / 1_000_000_000_000)
        appendDigits(microseconds / 1000)
        bytes.append(UInt8(ascii: "."))
        appendThreeDigits(UInt16(abs(microseconds % 1000)))
    }

    /// RFC 3339 §5.6 in UTC with milliseconds.
    mutating func append(_ name: StaticString, seconds: Int64, milliseconds: UInt16) {
        guard start(name, value: 26) else { return }
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: UnixTime(seconds: seconds).rfc3339.utf8.dropLast())
        bytes.append(UInt8(ascii: "."))
        appendThreeDigits(milliseconds)
        bytes.append(UInt8(ascii: "Z"))
        bytes.append(UInt8(ascii: "\""))
    }

    mutating func finish() {
        bytes.append(UInt8(ascii: "}"))
        bytes.append(UInt8(ascii: "\n"))
    }

    private mutating func appendQuoted(_ value: String) {
        bytes.append(UInt8(ascii: "\""))
        var value = value
        let isAppended = value.withUTF8 { text in
            guard bytes.count + text.count < limit, unsafe text.allSatisfy(Self.isPlain) else { return false }
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

    /// The name and its colon; false where they do not fit together with a value of that length.
    private mutating func start(_ name: StaticString, value: Int) -> Bool {
        guard bytes.count + name.utf8CodeUnitCount + 4 + value <= limit else { return false }
        open()
        appendBytes(name)
        close()
        return true
    }

    private mutating func start(_ name: String, value: Int) -> Bool {
        let isPlain = name.utf8.allSatisfy(Self.isPlain)
        let name = isPlain ? name : name.unicodeScalars.map { Self.escaped($0) }.joined()
        guard bytes.count + name.utf8.count + 4 + value <= limit else { return false }
        open()
        bytes.append(contentsOf: name.utf8)
        close()
        return true
    }

    private mutating func open() {
        bytes.append(bytes.isEmpty ? UInt8(ascii: "{") : UInt8(ascii: ","))
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func close() {
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
    }

    private mutating func appendBytes(_ text: StaticString) {
        text.withUTF8Buffer { unsafe bytes.append(contentsOf: $0) }
    }

    private mutating func appendDigits(_ number: Int) { bytes.append(contentsOf: String(number).utf8) }

    private mutating func appendThreeDigits(_ number: UInt16) {
        let zero = UInt8(ascii: "0")
        bytes.append(zero + UInt8(truncatingIfNeeded: number / 100 % 10))
        bytes.append(zero + UInt8(truncatingIfNeeded: number / 10 % 10))
        bytes.append(zero + UInt8(truncatingIfNeeded: number % 10))
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

/// Several fields of a log line as one value, in their own order and with their own types: for a line that is written so often that a
/// dictionary of texts would cost more than the line. A class, because what an existential holds is then known at a glance.
open class LogFields: CustomStringConvertible, @unchecked Sendable {
    public init() {}

    open var description: String { "" }

    open func append(to line: inout JSONLine) {}
}
