import Glibc
public import Logging
import StreamIssuing

/// Log lines as JSON objects. What warns has been written when the call returns; the rest follows within `LogWriter.interval`.
///
/// `{"timestamp":"2026-01-08T12:30:00.123Z","level":"info","event":"ready",…}`: the message is the event's name, the metadata
/// its fields, in alphabetical order, or as `LogFields` says. No line is longer than `maximumLineLength`: a text that does not fit is cut, and fields after
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
    private let writer: LogWriter

    public init(level: SharedLogLevel, writer: LogWriter) {
        sharedLevel = level
        self.writer = writer
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        var line = JSONLine(maximumLength: Self.maximumLineLength)
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        line.append("timestamp", UnixTime(seconds: Int64(time.tv_sec)), milliseconds: time.tv_nsec / 1_000_000)
        line.append("level", event.level.rawValue)
        line.append("event", event.message.description)
        let own = event.metadata ?? [:]
        let fields = metadata.isEmpty ? own : metadata.merging(own) { _, new in new }
        if fields.count == 1, let (name, value) = fields.first {
            Self.append(name, value, to: &line)
        } else {
            for (name, value) in fields.sorted(by: { $0.key < $1.key }) { Self.append(name, value, to: &line) }
        }
        line.finish()
        writer.append(line.bytes, isUrgent: event.level >= .warning)
    }

    private static func append(_ name: String, _ value: Logger.Metadata.Value, to line: inout JSONLine) {
        if case .stringConvertible(let value) = value, let fields = fields(value) {
            fields.append(&line)
        } else {
            line.append(escaping: name, "\(value)")
        }
    }

    /// `value as? LogFields`, without what the runtime does for a cast from any type to any other.
    private static func fields<Value>(_ value: Value) -> LogFields? {
        guard Value.self == LogFields.self else { return nil }
        return unsafe withUnsafePointer(to: value) { unsafe UnsafeRawPointer($0).load(as: LogFields.self) }
    }
}
