/// A small answer under construction: JSON text (RFC 8259) in one buffer, without a tree.
public struct JSONText: Sendable {
    public private(set) var bytes: [UInt8] = []

    public init() {}

    /// Text that is JSON already.
    public mutating func append(_ literal: StaticString) {
        literal.withUTF8Buffer { unsafe bytes.append(contentsOf: $0) }
    }

    public mutating func append(_ number: Int64) {
        bytes.append(contentsOf: String(number).utf8)
    }

    /// A string with its quotes; `"`, `\` and control characters escaped (RFC 8259 §7).
    public mutating func append(quoted text: String) {
        bytes.append(UInt8(ascii: "\""))
        var text = text
        let isAppended = text.withUTF8 { utf8 in
            guard unsafe Self.isPlain(utf8) else { return false }
            unsafe bytes.append(contentsOf: utf8)
            return true
        }
        if !isAppended { appendEscaped(text) }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Whether it needs no escaping in a string. Checks every byte, even after one that does: without an early exit the
    /// loop handles many bytes in one step, and a presigned URL has hundreds with nothing to escape.
    @inlinable
    public static func isPlain(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        var isPlain = true
        for index in text.indices { isPlain = unsafe Self.isPlain(text[index]) && isPlain }
        return isPlain
    }

    @inlinable
    public static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\") && byte != 0x7F
    }

    private mutating func appendEscaped(_ text: String) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case _ where !Self.isPlain(byte):
                bytes.append(contentsOf: "\\u00".utf8)
                bytes.append(Self.hexDigits[Int(byte >> 4)])
                bytes.append(Self.hexDigits[Int(byte & 15)])
            default:
                bytes.append(byte)
            }
        }
    }

    public mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
    }

    private static let hexDigits = Array("0123456789abcdef".utf8)
}

extension JSONText {
    /// The contract's five members, in its order; of a waveform those that it has.
    public mutating func append(_ stream: StreamURL) {
        append(stream.part == .audio ? "{\"streamUrl\":" : "{\"waveformUrl\":")
        append(quoted: stream.url.exposeSecret())
        append(",\"expiresAt\":")
        append(quoted: stream.expiresAt.rfc3339)
        append(",\"contentType\":")
        append(quoted: stream.contentType)
        guard stream.part == .audio else { return append("}") }
        append(",\"fileSizeBytes\":")
        append(stream.fileSizeInBytes)
        append(",\"supportsRangeRequests\":true}")
    }

    /// RFC 9457 §3.
    /// - Parameter instance: the request's path without its query.
    public mutating func append(_ problem: Problem, instance: String) {
        append("{\"type\":")
        append(quoted: "https://novatune.dev/errors/" + problem.kind.slug)
        append(",\"title\":")
        append(quoted: problem.kind.title)
        append(",\"status\":")
        append(Int64(problem.kind.status))
        append(",\"detail\":")
        append(quoted: problem.detail)
        append(",\"instance\":")
        append(quoted: instance)
        if let blocked = problem.blockedTrack {
            append(",\"extensions\":{\"trackId\":")
            append(quoted: blocked.id.description)
            append(",\"currentStatus\":")
            append(quoted: blocked.status.rawValue)
            append("}")
        }
        append("}")
    }
}
