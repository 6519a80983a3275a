import Glibc
public import Logging
import StreamIssuing

/// Log lines as JSON objects on standard error, one write(2) a line, so that lines of several threads never mix.
///
/// `{"timestamp":"2026-01-08T12:30:00.123Z","level":"info","event":"ready",…}`: the message is the event's name, the metadata
/// its fields, in alphabetical order. A line is cut at `maximumLineLength`.
public struct JSONLogHandler: LogHandler {
    public static let maximumLineLength = 4096

    public var logLevel: Logger.Level
    public var metadata: Logger.Metadata = [:]
    private let descriptor: Int32

    public init(level: Logger.Level, descriptor: Int32 = 2) {
        logLevel = level
        self.descriptor = descriptor
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        var line = "{\"timestamp\":\"\(Timestamp.now())\",\"level\":\"\(event.level.rawValue)\",\"event\":"
        Self.append(quoted: event.message.description, to: &line)
        let fields = metadata.merging(event.metadata ?? [:]) { _, new in new }
        for (name, value) in fields.sorted(by: { $0.key < $1.key }) {
            line += ","
            Self.append(quoted: name, to: &line)
            line += ":"
            Self.append(quoted: "\(value)", to: &line)
        }
        line += "}\n"
        write(line)
    }

    private func write(_ line: String) {
        var bytes = Array(line.utf8)
        if bytes.count > Self.maximumLineLength {
            bytes.removeSubrange((Self.maximumLineLength - 3)...)
            bytes.append(contentsOf: "\"}\n".utf8)
        }
        // A log that cannot be written must not stop the service.
        unsafe bytes.withUnsafeBytes { unsafe _ = Glibc.write(descriptor, $0.baseAddress, $0.count) }
    }

    private static func append(quoted text: String, to line: inout String) {
        line += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": line += "\\\""
            case "\\": line += "\\\\"
            case "\u{0}"..."\u{1F}", "\u{7F}": line += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: line.unicodeScalars.append(scalar)
            }
        }
        line += "\""
    }
}

/// RFC 3339 §5.6 in UTC with milliseconds.
private enum Timestamp {
    static func now() -> String {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        let milliseconds = String(1000 + time.tv_nsec / 1_000_000).dropFirst()
        return "\(UnixTime(seconds: Int64(time.tv_sec)).rfc3339.dropLast()).\(milliseconds)Z"
    }
}
