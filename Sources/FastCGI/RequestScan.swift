/// Whether the bytes that have arrived on a connection are one complete request that libfcgi reads safely.
///
/// libfcgi waits for missing bytes and repairs wrong ones in its own ways: it blocks, lingers for seconds before it
/// closes, and crafted FCGI_GET_VALUES records overflow a buffer of libfcgi 2.4.2. So it gets only what a web server
/// writes (FastCGI 1.0 §3.3, §5): FCGI_BEGIN_REQUEST for a responder, FCGI_PARAMS with complete pairs, FCGI_STDIN, all
/// of one request id.
enum RequestScan: Equatable {
    /// A request of `length` bytes.
    case complete(length: Int)
    /// Valid so far.
    case incomplete
    case invalid

    private static let headerLength = 8
    private static let (beginRequest, parameters, standardInput): (UInt8, UInt8, UInt8) = (1, 4, 5)
    private static let responder: UInt16 = 1

    private enum Stage {
        case begin, parameters, body
    }

    static func scan(_ bytes: Span<UInt8>) -> RequestScan {
        var stage = Stage.begin
        var id: UInt16 = 0
        var position = 0
        var pairs = ParameterScan()
        while position + headerLength <= bytes.count {
            let type = bytes[position + 1]
            let recordID = UInt16(bytes[position + 2]) << 8 | UInt16(bytes[position + 3])
            let length = Int(bytes[position + 4]) << 8 | Int(bytes[position + 5])
            guard bytes[position] == 1 else { return .invalid }
            if stage == .begin { id = recordID }
            guard id != 0, recordID == id else { return .invalid }
            let content = position + headerLength
            let next = content + length + Int(bytes[position + 6])
            switch (stage, type) {
            case (.begin, beginRequest):
                guard length == 8 else { return .invalid }
                guard next <= bytes.count else { return .incomplete }
                guard UInt16(bytes[content]) << 8 | UInt16(bytes[content + 1]) == responder else { return .invalid }
                stage = .parameters
            case (.parameters, parameters):
                if length == 0 {
                    guard pairs.isComplete else { return .invalid }
                    stage = .body
                } else {
                    let end = min(content + length, bytes.count)
                    guard pairs.take(bytes.extracting(content..<end)) else { return .invalid }
                }
            case (.body, standardInput):
                if length == 0 { return next <= bytes.count ? .complete(length: next) : .incomplete }
            default: return .invalid
            }
            position = next
        }
        // A wrong first byte is invalid, however few bytes have arrived.
        if position < bytes.count, bytes[position] != 1 { return .invalid }
        if position + 1 < bytes.count, stage == .begin, bytes[position + 1] != beginRequest { return .invalid }
        return .incomplete
    }
}

/// Name-value pairs (FastCGI 1.0 §3.4), which may span records.
private struct ParameterScan {
    private var lengths: [Int] = []
    private var partial = 0
    private var missing = 0
    private var content = 0

    /// Whether the last pair is complete.
    var isComplete: Bool { lengths.isEmpty && missing == 0 && content == 0 }

    /// Longer than any request may be.
    private static let limit = 1 << 20

    /// False where a length is impossible.
    mutating func take(_ bytes: Span<UInt8>) -> Bool {
        var position = 0
        while position < bytes.count {
            if content > 0 {
                let step = min(content, bytes.count - position)
                content -= step
                position += step
                continue
            }
            let byte = bytes[position]
            position += 1
            if missing > 0 {
                partial = partial << 8 | Int(byte)
                missing -= 1
                if missing == 0 { lengths.append(partial) }
            } else if byte >> 7 == 1 {
                partial = Int(byte & 0x7F)
                missing = 3
            } else {
                lengths.append(Int(byte))
            }
            if lengths.count == 2, missing == 0 {
                content = lengths[0] + lengths[1]
                lengths.removeAll(keepingCapacity: true)
                guard content <= Self.limit else { return false }
            }
        }
        return true
    }
}
