/// A small answer in the making: JSON text (RFC 8259) in one buffer, no tree in between.
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
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") && $0 != 0x7F }) {
            // As it is, in one go: a presigned URL has hundreds of bytes and nothing to escape.
            bytes.append(contentsOf: text.utf8)
        } else {
            appendEscaped(text)
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func appendEscaped(_ text: String) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0..<0x20, 0x7F:
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
    /// The contract's five members, in its order.
    public mutating func append(_ stream: StreamURL) {
        append("{\"streamUrl\":")
        append(quoted: stream.url.exposed)
        append(",\"expiresAt\":")
        append(quoted: stream.expiresAt.rfc3339)
        append(",\"contentType\":")
        append(quoted: stream.contentType)
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
