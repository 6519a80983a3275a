public import Tracing

/// Makes the spans of sampled traces. A trace that is not sampled costs one read of a task-local value for each span.
///
/// It does not install itself as the process's tracer: the executable passes it on.
public struct StreamTracer: Tracer {
    public typealias Span = StreamSpan

    private let sampler: Sampler
    private let sink: any SpanSink
    private let random: @Sendable () -> UInt64
    /// One for all unsampled traces: their ids are never read.
    private let unsampled: ServiceContext

    /// - Parameter random: 64 bits, different at each call; nil for a source of its own. All-zero ids are drawn again.
    public init(sampler: Sampler, sink: any SpanSink, random: (@Sendable () -> UInt64)? = nil) {
        self.sampler = sampler
        self.sink = sink
        let source = IdentifierSource()
        self.random = random ?? { source.next() }
        var context = ServiceContext.topLevel
        context.position = TracePosition(
            parent: TraceParent(traceID: TraceID(high: 0, low: 1), spanID: SpanID(1), isSampled: false), isRemote: false
        )
        unsampled = context
    }

    public func startSpan<Instant: TracerInstant>(
        _ operationName: String, context: @autoclosure () -> ServiceContext, ofKind kind: SpanKind,
        at instant: @autoclosure () -> Instant,
        function: String, file fileID: String, line: UInt
    ) -> StreamSpan {
        let context = context()
        guard let traceID = recordedTrace(continuing: context.position) else {
            return StreamSpan(nil, unsampled)
        }
        return record(operationName, traceID, context, Self.kind(kind), at: instant().nanosecondsSinceEpoch)
    }

    /// The first span of a request here; nil where its trace is not recorded, as for most requests: then nothing is
    /// made for it.
    /// - Parameters:
    ///   - parent: of the request's header `traceparent`.
    ///   - state: the request's header `tracestate`; read only where the parent's trace is recorded.
    ///   - correlationID: recorded in this span and in all spans below it.
    ///   - age: how long ago the request began.
    public func root(
        _ name: SpanName, continuing parent: TraceParent?, state: @autoclosure () -> String? = nil,
        correlationID: String? = nil, begun age: Duration = .zero
    ) -> StreamSpan? {
        let position = parent.map { TracePosition(parent: $0, isRemote: true) }
        guard let traceID = recordedTrace(continuing: position) else { return nil }
        var context = ServiceContext.topLevel
        context.position = position
        if position != nil { context.traceState = state().flatMap { TraceState($0) } }
        context.correlation = correlationID.flatMap { .correlation($0) }
        let start = DefaultTracerClock.now.nanosecondsSinceEpoch - UInt64(max(.zero, age) / .nanoseconds(1))
        return record(name.rawValue, traceID, context, .server, at: start)
    }

    /// A span below the current one; nil where the current one is not recorded.
    public func child(_ name: SpanName, _ kind: SpanRecord.Kind) -> StreamSpan? {
        guard let context = ServiceContext.current, let position = context.position, position.parent.isSampled else {
            return nil
        }
        return record(
            name.rawValue, position.parent.traceID, context, kind, at: DefaultTracerClock.now.nanosecondsSinceEpoch)
    }

    /// A span below `parent` of an operation that has ended.
    /// - Parameter describe: fills in the span, which is recorded.
    public func record(
        _ name: SpanName, _ kind: SpanRecord.Kind, below parent: StreamSpan, began: ContinuousClock.Instant,
        ended: ContinuousClock.Instant, _ describe: (StreamSpan) -> Void
    ) {
        guard let position = parent.context.position, position.parent.isSampled else { return }
        let (epoch, now) = (DefaultTracerClock.now.nanosecondsSinceEpoch, ContinuousClock.now)
        func moment(_ instant: ContinuousClock.Instant) -> UInt64 {
            epoch - UInt64(max(.zero, instant.duration(to: now)) / .nanoseconds(1))
        }
        let span = record(name.rawValue, position.parent.traceID, parent.context, kind, at: moment(began))
        describe(span)
        span.end(at: DefaultTracerClock.Timestamp(nanosecondsSinceEpoch: moment(ended)))
    }

    /// Nil where the trace is not sampled. The half of the id that decides is drawn first: an unsampled trace draws no
    /// more.
    private func recordedTrace(continuing position: TracePosition?) -> TraceID? {
        if let position {
            let parent = position.parent
            // What began in this process has been decided.
            let isSampled = position.isRemote ? sampler.samples(parent.traceID, parent: parent) : parent.isSampled
            return isSampled ? parent.traceID : nil
        }
        let low = nonZero()
        return sampler.samples(TraceID(high: 0, low: low), parent: nil) ? TraceID(high: random(), low: low) : nil
    }

    private func record(
        _ name: String, _ traceID: TraceID, _ context: ServiceContext, _ kind: SpanRecord.Kind, at nanoseconds: UInt64
    ) -> StreamSpan {
        let position = context.position
        let spanID = SpanID(nonZero())
        var own = context
        own.position = TracePosition(
            parent: TraceParent(traceID: traceID, spanID: spanID, isSampled: true), isRemote: false)
        var record = SpanRecord(
            name: name, traceID: traceID, spanID: spanID, parent: position?.parent.spanID,
            isParentRemote: position?.isRemote ?? false,
            kind: kind, startNanoseconds: nanoseconds, endNanoseconds: nanoseconds)
        record.traceState = context.traceState
        if let correlation = context.correlation { record.set(correlation) }
        return StreamSpan(StreamSpan.Recording(record, sink), own)
    }

    private func nonZero() -> UInt64 {
        while true {
            let value = random()
            if value != 0 { return value }
        }
    }

    private static func kind(_ kind: SpanKind) -> SpanRecord.Kind {
        switch kind {
        case .server: .server
        case .client: .client
        case .producer: .producer
        case .consumer: .consumer
        case .internal: .internal
        }
    }

    public func forceFlush() { sink.flush() }

    public func extract<Carrier, Extract: Extractor>(
        _ carrier: Carrier, into context: inout ServiceContext, using extractor: Extract
    ) where Extract.Carrier == Carrier {
        if let text = extractor.extract(key: "traceparent", from: carrier), let parent = TraceParent(text) {
            context.remoteParent = parent
            context.traceState = extractor.extract(key: "tracestate", from: carrier).flatMap { TraceState($0) }
        }
    }

    public func inject<Carrier, Inject: Injector>(
        _ context: ServiceContext, into carrier: inout Carrier, using injector: Inject
    ) where Inject.Carrier == Carrier {
        if let position = context.position {
            injector.inject(position.parent.description, forKey: "traceparent", into: &carrier)
            if let state = context.traceState {
                injector.inject(state.description, forKey: "tracestate", into: &carrier)
            }
        }
    }
}

/// The parent of new spans.
struct TracePosition: Sendable {
    let parent: TraceParent
    let isRemote: Bool
}

private enum TracePositionKey: ServiceContextKey {
    typealias Value = TracePosition
    static let nameOverride: String? = "trace-position"
}

private enum TraceStateKey: ServiceContextKey {
    typealias Value = TraceState
    static let nameOverride: String? = "trace-state"
}

private enum CorrelationKey: ServiceContextKey {
    typealias Value = SpanField
    static let nameOverride: String? = "correlation"
}

extension ServiceContext {
    /// The correlation id, which every span of a request records.
    var correlation: SpanField? {
        get { self[CorrelationKey.self] }
        set { self[CorrelationKey.self] = newValue }
    }

    /// Of the request's caller.
    var traceState: TraceState? {
        get { self[TraceStateKey.self] }
        set { self[TraceStateKey.self] = newValue }
    }

    var position: TracePosition? {
        get { self[TracePositionKey.self] }
        set { self[TracePositionKey.self] = newValue }
    }

    /// The parent that a request's `traceparent` names.
    public var remoteParent: TraceParent? {
        get { position.flatMap { $0.isRemote ? $0.parent : nil } }
        set { position = newValue.map { TracePosition(parent: $0, isRemote: true) } }
    }
}
