/// An answer under construction: CGI header lines (RFC 3875 §6.3), an empty line, the body.
public struct FastCGIResponse: Sendable {
    private(set) var bytes: [UInt8] = []

    public init() {
        bytes.reserveCapacity(4096)
    }

    /// The first line. Call it first.
    public mutating func start(status: Int) {
        bytes.removeAll(keepingCapacity: true)
        append("Status: ")
        append(String(status))
        append(" ")
        append(Self.reasonPhrase(status))
        append("\r\n")
    }

    /// - Parameter value: without control characters; a line break in it would be a header of its own, so it is
    ///   dropped.
    public mutating func header(_ name: StaticString, _ value: String) {
        name.withUTF8Buffer { unsafe bytes.append(contentsOf: $0) }
        append(": ")
        var value = value
        if unsafe value.withUTF8(Self.areAllowed) {
            append(value)
        } else {
            bytes.append(contentsOf: value.utf8.lazy.filter(Self.isAllowed))
        }
        append("\r\n")
    }

    /// - Parameter value: without control characters, which are dropped.
    public mutating func header(_ name: StaticString, _ value: [UInt8]) {
        name.withUTF8Buffer { unsafe bytes.append(contentsOf: $0) }
        append(": ")
        if unsafe value.withUnsafeBufferPointer(Self.areAllowed) {
            bytes.append(contentsOf: value)
        } else {
            bytes.append(contentsOf: value.lazy.filter(Self.isAllowed))
        }
        append("\r\n")
    }

    /// Checks every byte, even after a forbidden one: without an early exit the loop handles many bytes in one step,
    /// and an answer in a header has hundreds.
    private static func areAllowed(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        var areAllowed = true
        for index in text.indices { areAllowed = unsafe isAllowed(text[index]) && areAllowed }
        return areAllowed
    }

    /// In a header's value.
    private static func isAllowed(_ byte: UInt8) -> Bool { byte >= 0x20 && byte != 0x7F }

    /// Ends the headers. Call it last.
    public mutating func finish(body: [UInt8]) {
        append("Content-Length: ")
        append(String(body.count))
        append("\r\n\r\n")
        bytes.append(contentsOf: body)
    }

    /// Ends the headers of an answer that has no body (204).
    public mutating func finishWithoutBody() {
        append("\r\n")
    }

    private mutating func append(_ text: String) {
        bytes.append(contentsOf: text.utf8)
    }

    /// RFC 9110 §15, for the codes that this service answers.
    private static func reasonPhrase(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 204: "No Content"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 409: "Conflict"
        case 413: "Content Too Large"
        case 429: "Too Many Requests"
        case 503: "Service Unavailable"
        default: "Status"
        }
    }
}
