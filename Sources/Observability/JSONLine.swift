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
        bytes.append(UInt8(ascii: "\""))
        if bytes.count + value.utf8.count < limit, value.utf8.allSatisfy(Self.isPlain) {
            bytes.append(contentsOf: value.utf8)
        } else {
            for scalar in value.unicodeScalars {
                let escaped = Self.escaped(scalar)
                guard bytes.count + escaped.utf8.count < limit else { break }
                bytes.append(contentsOf: escaped.utf8)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    public mutating func append(_ name: String, _ value: Int) {
        if start(name, value: 20) { appendDigits(value) }
    }

    public mutating func append(_ name: String, _ value: Bool) {
        if start(name, value: 5) { bytes.append(contentsOf: value ? "true".utf8 : "false".utf8) }
    }

    /// With three decimals.
    public mutating func append(_ name: String, milliseconds duration: Duration) {
        guard start(name, value: 24) else { return }
        let (seconds, attoseconds) = duration.components
        let microseconds = Int(clamping: seconds) &* 1_000_000 &+ Int(attoseconds / 1_000_000_000_000)
        appendDigits(microseconds / 1000)
        bytes.append(UInt8(ascii: "."))
        let rest = UInt8(abs(microseconds % 1000) / 10)
        bytes.append(UInt8(ascii: "0") + rest / 10)
        bytes.append(UInt8(ascii: "0") + rest % 10)
        bytes.append(UInt8(ascii: "0") + UInt8(abs(microseconds % 10)))
    }

    mutating func finish() {
        bytes.append(UInt8(ascii: "}"))
        bytes.append(UInt8(ascii: "\n"))
    }

    /// The name and its colon; false where they do not fit together with a value of that length.
    private mutating func start(_ name: String, value: Int) -> Bool {
        let isPlain = name.utf8.allSatisfy(Self.isPlain)
        let name = isPlain ? name : name.unicodeScalars.map { Self.escaped($0) }.joined()
        guard bytes.count + name.utf8.count + 4 + value <= limit else { return false }
        bytes.append(bytes.isEmpty ? UInt8(ascii: "{") : UInt8(ascii: ","))
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: name.utf8)
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
        return true
    }

    private mutating func appendDigits(_ number: Int) { bytes.append(contentsOf: String(number).utf8) }

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
/// dictionary of texts would cost more than the line.
public protocol LogFields: CustomStringConvertible, Sendable {
    func append(to line: inout JSONLine)
}
