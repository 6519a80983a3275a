import Glibc
public import Logging

/// Log lines as JSON objects on standard error, one write(2) a line, so that lines of several threads never mix.
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
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        line.append("timestamp", seconds: Int64(time.tv_sec), milliseconds: UInt16(clamping: time.tv_nsec / 1_000_000))
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
        // A log that cannot be written must not stop the service.
        unsafe line.bytes.withUnsafeBytes { unsafe _ = Glibc.write(descriptor, $0.baseAddress, $0.count) }
    }

    private static func append(_ name: String, _ value: Logger.Metadata.Value, to line: inout JSONLine) {
        if case .stringConvertible(let value) = value, let fields = value as? LogFields {
            fields.append(to: &line)
        } else {
            line.append(name, "\(value)")
        }
    }
}
