/// A request's place in a distributed trace: the contents of the header `traceparent` (W3C Trace Context level 1 §3.2).
public struct TraceParent: Sendable, Hashable, CustomStringConvertible {
    public let traceID: TraceID
    public let spanID: SpanID
    /// Bit 0 of the trace flags; the others mean nothing here.
    public let isSampled: Bool

    public init(traceID: TraceID, spanID: SpanID, isSampled: Bool) {
        self.traceID = traceID
        self.spanID = spanID
        self.isSampled = isSampled
    }

    /// `00-<32 digits>-<16 digits>-<2 digits>`, lower-case hexadecimal. A version above 00 may have more behind another
    /// `-`. Version ff, ids of zeros only and everything else are nil: the trace then begins here.
    public init?(_ text: String) {
        var digits = HexadecimalReader(text.utf8)
        guard let version = digits.number(2), version != 0xFF, digits.skipDash(),
            let high = digits.number(16), let low = digits.number(16), high | low != 0, digits.skipDash(),
            let span = digits.number(16), span != 0, digits.skipDash(),
            let flags = digits.number(2), digits.isAtEnd || version > 0 && digits.skipDash()
        else { return nil }
        self.init(traceID: TraceID(high: high, low: low), spanID: SpanID(span), isSampled: flags & 1 == 1)
    }

    /// As version 00.
    public var description: String { "00-\(traceID)-\(spanID)-\(isSampled ? "01" : "00")" }
}

/// 16 bytes, not all zero.
public struct TraceID: Sendable, Hashable, CustomStringConvertible {
    public let high: UInt64
    public let low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    public var description: String { high.sixteenDigits + low.sixteenDigits }
}

/// 8 bytes, not all zero.
public struct SpanID: Sendable, Hashable, CustomStringConvertible {
    public let value: UInt64

    public init(_ value: UInt64) { self.value = value }

    public var description: String { value.sixteenDigits }
}

extension UInt64 {
    fileprivate var sixteenDigits: String {
        let digits = String(self, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}

private struct HexadecimalReader {
    private var rest: Substring.UTF8View

    init(_ text: String.UTF8View) { rest = text[...] }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func skipDash() -> Bool { rest.popFirst() == UInt8(ascii: "-") }

    /// Exactly `count` lower-case digits, at most 16.
    mutating func number(_ count: Int) -> UInt64? {
        var value: UInt64 = 0
        for _ in 0..<count {
            switch rest.popFirst() {
            case let digit? where (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit):
                value = value << 4 | UInt64(digit - UInt8(ascii: "0"))
            case let digit? where (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(digit):
                value = value << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return value
    }
}
