import Glibc
public import Logging
import StreamIssuing

/// Log lines as JSON objects, written within `LogWriter.interval`. No call waits for the log reader: while too much is
/// waiting, lines are dropped and counted (`LogWriter.droppedLines`).
///
/// `{"timestamp":"2026-01-08T12:30:00.123Z","level":"info","event":"ready",…}`: the message is the event's name, the
/// metadata
/// its fields, in alphabetical order. No line is longer than `maximumLineLength`: a text that does not fit is cut, and
/// fields after it may be left out, but every line is valid JSON. For the journal a line begins with its priority,
/// which the journal takes off.
public struct JSONLogHandler: LogHandler {
    public static let maximumLineLength = 4096

    /// This logger's own level, where it was set; else the shared one.
    public var logLevel: Logger.Level {
        get { ownLevel ?? sharedLevel.level }
        set { ownLevel = newValue }
    }
    public var metadata: Logger.Metadata = [:]
    private let sharedLevel: SharedLogLevel
    private var ownLevel: Logger.Level?
    private let writer: LogWriter
    /// In each line, before the metadata.
    fileprivate var fields: LogFields?

    public init(level: SharedLogLevel, writer: LogWriter) {
        sharedLevel = level
        self.writer = writer
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        let prefix = writer.isReadByJournal ? Journal.prefix(event.level) : ""
        unsafe JSONLine.write(maximumLength: Self.maximumLineLength, prefix: prefix) { line in
            fill(&line, event)
        } use: { line in
            unsafe writer.append(line)
        }
    }

    private func fill(_ line: inout JSONLine, _ event: LogEvent) {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        line.append("timestamp", UnixTime(seconds: Int64(time.tv_sec)), milliseconds: time.tv_nsec / 1_000_000)
        line.append("level", event.level.rawValue)
        line.append("event", event.message.description)
        fields?(&line)
        guard !metadata.isEmpty || event.metadata != nil else { return }
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        for (name, value) in all.sorted(by: { $0.key < $1.key }) { line.append(escaping: name, "\(value)") }
    }
}

/// Puts fields at the end of a line, in their own order and with their own types.
public typealias LogFields = @Sendable (inout JSONLine) -> Void

extension Logger {
    /// A logger whose every line has these fields, for a line so frequent that a dictionary of texts would cost more
    /// than the line. A logger that does not write JSON lines is returned unchanged.
    public func with(_ fields: @escaping LogFields) -> Logger {
        changed { $0.fields = fields }
    }

    private func changed(_ change: (inout JSONLogHandler) -> Void) -> Logger {
        guard var handler = handler as? JSONLogHandler else { return self }
        change(&handler)
        var logger = self
        logger.handler = handler
        return logger
    }
}
