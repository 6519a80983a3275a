import Glibc
public import Logging
import StreamIssuing

/// Log lines as JSON objects on standard error, one write(2) a line, so that lines of several threads never mix.
///
/// `{"timestamp":"2026-01-08T12:30:00.123Z","level":"info","event":"ready",…}`: the message is the event's name, the metadata
/// its fields, in alphabetical order. No line is longer than `maximumLineLength`: a text that does not fit is cut, and fields after
/// it may be left out, but every line is valid JSON.
public struct JSONLogHandler: LogHandler {
    public static let maximumLineLength = 4096

    /// This logger's own, where it was set; else the one that all share.
    public var logLevel: Logger.Level {
        get { ownLevel ?? sharedLevel.level }
        set { ownLevel = newValue }
    }
    public var metadata: Logger.Metadata = [:]
    private let sharedLevel: SharedLogLevel
    private var ownLevel: Logger.Level?
    private let descriptor: Int32

    public init(level: SharedLogLevel, descriptor: Int32 = 2) {
        sharedLevel = level
        self.descriptor = descriptor
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        var line = JSONLine(maximumLength: Self.maximumLineLength)
        line.append("timestamp", Timestamp.now())
        line.append("level", event.level.rawValue)
        line.append("event", event.message.description)
        let fields = metadata.merging(event.metadata ?? [:]) { _, new in new }
        for (name, value) in fields.sorted(by: { $0.key < $1.key }) { line.append(name, "\(value)") }
        write(line.finished)
    }

    private func write(_ line: String) {
        let bytes = Array(line.utf8)
        // A log that cannot be written must not stop the service.
        unsafe bytes.withUnsafeBytes { unsafe _ = Glibc.write(descriptor, $0.baseAddress, $0.count) }
    }
}

/// An object of strings on one line of bounded length.
private struct JSONLine {
    private var text = ""
    /// Without the end of the object and the line.
    private let limit: Int

    init(maximumLength: Int) { limit = maximumLength - "}\n".utf8.count }

    var finished: String { text + "}\n" }

    /// Left out where not even its name fits; cut between two characters where the value does not.
    mutating func append(_ name: String, _ value: String) {
        var member = text.isEmpty ? "{\"" : ",\""
        for scalar in name.unicodeScalars { member += Self.escaped(scalar) }
        member += "\":\""
        guard text.utf8.count + member.utf8.count < limit else { return }
        text += member
        for scalar in value.unicodeScalars {
            let escaped = Self.escaped(scalar)
            guard text.utf8.count + escaped.utf8.count < limit else { break }
            text += escaped
        }
        text += "\""
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

/// RFC 3339 §5.6 in UTC with milliseconds.
private enum Timestamp {
    static func now() -> String {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        let milliseconds = String(1000 + time.tv_nsec / 1_000_000).dropFirst()
        return "\(UnixTime(seconds: Int64(time.tv_sec)).rfc3339.dropLast()).\(milliseconds)Z"
    }
}
