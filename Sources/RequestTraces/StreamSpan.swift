import Resilience
public import Tracing

/// A span of `StreamTracer`: recorded where its trace is sampled; else an empty shell that costs nothing.
public struct StreamSpan: Tracing.Span {
    final class Recording: Sendable {
        let record: Locked<SpanRecord?>
        let sink: any SpanSink

        init(_ record: SpanRecord, _ sink: any SpanSink) {
            self.record = Locked(record)
            self.sink = sink
        }
    }

    /// Events beyond it are dropped, so that a span stays small.
    static let maximumEvents = 16

    public let context: ServiceContext
    private let recording: Recording?

    init(_ recording: Recording?, _ context: ServiceContext) {
        self.recording = recording
        self.context = context
    }

    /// Until it has ended.
    public var isRecording: Bool { recording?.record.withLock { $0 != nil } ?? false }

    /// Nil where the trace is not recorded.
    public var traceID: TraceID? { recording?.record.withLock { $0?.traceID } }

    private func update(_ body: (inout SpanRecord) -> Void) {
        recording?.record.withLock { record in
            guard var changed = record.take() else { return }
            body(&changed)
            record = changed
        }
    }

    // MARK: The closed way

    public func set(_ field: SpanField?) {
        guard let field else { return }
        update { $0.set(field) }
    }

    /// The span failed: `error.type`, status and an `exception` event (OpenTelemetry semantic conventions, "Recording
    /// errors"),
    /// without the error's text.
    public func fail(_ error: any Error) {
        guard recording != nil else { return }
        recordError(error)
        setStatus(SpanStatus(code: .error))
    }

    // MARK: Tracing.Span

    public var operationName: String {
        get { recording?.record.withLock { $0?.name } ?? "" }
        nonmutating set { update { $0.name = newValue } }
    }

    /// Drops the message: it may contain anything.
    public func setStatus(_ status: SpanStatus) {
        // OpenTelemetry tracing API, "Set Status": ok is final.
        update { if $0.status != .ok { $0.status = status.code == .ok ? .ok : .error } }
    }

    public func addEvent(_ event: SpanEvent) {
        update { record in
            guard record.events.count < Self.maximumEvents else { return }
            record.events.append(
                SpanRecord.Event(
                    name: event.name, nanoseconds: event.nanosecondsSinceEpoch, fields: event.attributes.fields))
        }
    }

    public func recordError<Instant: TracerInstant>(
        _ error: any Error, attributes: SpanAttributes, at instant: @autoclosure () -> Instant
    ) {
        guard recording != nil else { return }
        let type = SpanErrorType(error).word
        let nanoseconds = instant().nanosecondsSinceEpoch
        update { record in
            record.set(SpanField(name: .errorType, value: .text(type)))
            guard record.events.count < Self.maximumEvents else { return }
            let fields = [SpanField(name: .exceptionType, value: .text(type))]
            record.events.append(SpanRecord.Event(name: "exception", nanoseconds: nanoseconds, fields: fields))
        }
    }

    /// Only names of `FieldName` are kept, and those of servers stay as they are.
    public var attributes: SpanAttributes {
        get {
            var attributes = SpanAttributes()
            for field in recording?.record.withLock({ $0?.fields }) ?? [] {
                attributes[field.name.rawValue] = field.value.attribute
            }
            return attributes
        }
        nonmutating set {
            guard recording != nil else { return }
            let fields = newValue.fields
            update { record in record.fields = record.fields.filter(\.name.isOfServer) + fields }
        }
    }

    /// Drops the link: a request has one parent and no other relatives.
    public func addLink(_ link: SpanLink) {}

    /// Only the first call counts; later ones change nothing.
    public func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
        guard let recording else { return }
        let nanoseconds = instant().nanosecondsSinceEpoch
        guard var record = recording.record.withLock({ $0.take() }) else { return }
        // The wall clock may have been set back.
        record.endNanoseconds = max(record.startNanoseconds, nanoseconds)
        recording.sink.export(record)
    }
}

extension FieldValue {
    fileprivate var attribute: SpanAttribute {
        switch self {
        case .text(let text): .string(text)
        case .number(let number): .int64(number)
        case .flag(let flag): .bool(flag)
        }
    }
}

extension SpanAttributes {
    /// Those whose name may be exported, in the order of their names.
    fileprivate var fields: [SpanField] {
        FieldName.allCases.filter { !$0.isOfServer }.compactMap { name in
            switch get(name.rawValue) {
            case .string(let text): SpanField(name: name, value: .text(text))
            case .int64(let number): SpanField(name: name, value: .number(number))
            case .int32(let number): SpanField(name: name, value: .number(Int64(number)))
            case .bool(let flag): SpanField(name: name, value: .flag(flag))
            default: nil
            }
        }
    }
}
