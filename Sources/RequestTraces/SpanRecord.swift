/// A span that has ended, as it is exported.
public struct SpanRecord: Sendable, Equatable {
    /// Numbers of `opentelemetry.proto.trace.v1.Span.SpanKind`.
    public enum Kind: UInt64, Sendable {
        case `internal` = 1
        case server, client, producer, consumer
    }

    /// Numbers of `opentelemetry.proto.trace.v1.Status.StatusCode`.
    public enum Status: UInt64, Sendable {
        case unset = 0
        case ok, error
    }

    /// Something that happened at a moment.
    public struct Event: Sendable, Equatable {
        public let name: String
        public let nanoseconds: UInt64
        public let fields: [SpanField]
    }

    public var name: String
    public let traceID: TraceID
    public let spanID: SpanID
    public let parent: SpanID?
    /// Whether the parent is in another process.
    public let isParentRemote: Bool
    public let kind: Kind
    /// Since 1970-01-01T00:00:00Z.
    public let startNanoseconds: UInt64
    public var endNanoseconds: UInt64
    /// One for each name at most.
    public var fields: [SpanField] = []
    public var events: [Event] = []
    public var status = Status.unset
    /// Of the request's caller; nil where there was none.
    public var traceState: TraceState?

    public mutating func set(_ field: SpanField) {
        if let index = fields.firstIndex(where: { $0.name == field.name }) {
            fields[index] = field
        } else {
            fields.append(field)
        }
    }
}

/// Receives spans that have ended. It never waits: threads that answer requests call it.
public protocol SpanSink: Sendable {
    func export(_ span: SpanRecord)
    func flush()
}
